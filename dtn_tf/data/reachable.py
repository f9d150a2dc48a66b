"""Whether the publishers' servers answer."""

import http.client
import queue
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

_PAUSE = 1.0  # seconds between two tries


def why_not(urls, seconds=20.0, tries=2):
    """Why some file cannot be downloaded.

    Asks for the headers of every URL at once, through the proxy if one is set. A TCP
    connection would say less: firewalls and proxies accept those for any host. The threads are
    daemons because looking up a name cannot be interrupted.

    Args:
        urls: Files to ask for.
        seconds: For all tries together.
        tries: How often to ask.

    Returns:
        None if every server offers its file, else one short reason.
    """
    for k in range(tries):
        reason = _once(urls, seconds / tries)
        if reason is None or k == tries - 1:
            return reason
        time.sleep(min(_PAUSE, seconds / tries))


def _once(urls, seconds):
    answers = queue.SimpleQueue()
    for url in urls:
        ask = lambda url=url: answers.put(_why_refused(url, seconds))  # noqa: E731
        threading.Thread(target=ask, daemon=True).start()
    deadline = time.monotonic() + seconds
    for _ in urls:
        try:
            reason = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return f"no answer within {seconds:g} s"
        if reason:
            return reason
    return None


def _why_refused(url, seconds):
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=seconds):
            return None
    except urllib.error.HTTPError as error:
        reason = f"HTTP {error.code}"
    except urllib.error.URLError as error:
        reason = error.reason
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = error
    return f"{urllib.parse.urlsplit(url).hostname}: {str(reason) or 'no answer'}"

"""Whether the publishers' servers answer, found out in seconds."""

import http.client
import queue
import threading
import time
import urllib.error
import urllib.parse
import urllib.request


def why_unreachable(urls, timeout=3.0):
    """Why some file cannot be downloaded.

    Asks for the headers of every URL at once, through the proxy if one is set.
    A TCP connection would say less: firewalls and proxies accept those for any
    host. The threads are daemons because looking up a name cannot be interrupted,
    and takes half a minute where packets are dropped.

    Args:
        urls: Files to ask for.
        timeout: Seconds for all of them together.

    Returns:
        None if every server offers its file, else one short reason.
    """
    answers = queue.SimpleQueue()
    for url in urls:
        ask = threading.Thread(
            target=lambda url=url: answers.put(_why_refused(url, timeout)), daemon=True
        )
        ask.start()
    deadline = time.monotonic() + timeout
    for _ in urls:
        try:
            reason = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return f"no answer within {timeout:g} s"
        if reason:
            return reason
    return None


def _why_refused(url, timeout):
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=timeout):
            return None
    except urllib.error.HTTPError as error:
        reason = f"HTTP {error.code}"
    except urllib.error.URLError as error:
        reason = error.reason
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = error
    return f"{urllib.parse.urlsplit(url).hostname}: {str(reason) or 'no answer'}"

// Shows an image, what the network sees of it, its translation, and what f sees in both or finds near.
(function (demo) {
  "use strict";
  const { find, make } = demo;
  const MOST_ROWS = 12;

  let running = null; // the AbortController of the image that is being translated
  let whole = null; // the URL of the image on show

  /** Translates a blob and shows what comes of it. The last one asked for wins. */
  demo.show = async function (blob, title) {
    if (running) running.abort();
    const mine = (running = new AbortController());
    find("result").setAttribute("aria-busy", "true");
    document.querySelector(".example.chosen")?.classList.remove("chosen");
    const late = setTimeout(() => say("Translating …"), 400);
    try {
      await demo.ready;
      const begun = performance.now();
      const answer = await demo.translate(blob, mine.signal);
      if (running === mine) showAnswer(blob, title, answer, performance.now() - begun);
    } catch (error) {
      if (running === mine && error.name !== "AbortError") demo.refuse(error.message);
    } finally {
      clearTimeout(late);
      if (running === mine) find("result").removeAttribute("aria-busy");
    }
  };

  /** Shows an error in plain words; the last translation stays. */
  demo.refuse = function (words) {
    say("");
    find("error").textContent = words;
    find("error").hidden = false;
  };

  function say(words) {
    find("status").textContent = words;
    find("error").hidden = true;
  }

  function showAnswer(blob, title, answer, milliseconds) {
    demo.last = answer;
    find("tiles").classList.add("full");
    showWhole(blob);
    demo.paint(find("seen-picture"), answer.input);
    demo.paint(find("translation"), answer.translation);
    find("save").href = find("translation").toDataURL("image/png");
    find("save").hidden = false;
    if (answer.seen) showClasses(answer.seen, answer.painted);
    if (answer.neighbours) showNeighbours(answer.neighbours);
    say(`${title} was translated in ${Math.max(1, Math.round(milliseconds))} ms.${reading(answer)}`);
  }

  function showWhole(blob) {
    const image = find("whole");
    if (whole) URL.revokeObjectURL(whole);
    whole = URL.createObjectURL(blob);
    image.onload = () => (image.hidden = false);
    image.onerror = () => (image.hidden = true); // TIFF: Python reads it, this browser does not
    image.src = whole;
  }

  const largest = (shares) => shares.indexOf(Math.max(...shares));
  const percent = (share) => `${(100 * share).toFixed(share > 0.995 || share < 0.005 ? 0 : 1)} %`;

  function reading({ seen, painted }) {
    if (!seen) return "";
    const [a, b] = [seen, painted].map((shares) => demo.facts.classes[largest(shares)]);
    return a === b ? ` f sees ${a} in both.` : ` f sees ${a} in the image and ${b} in the translation.`;
  }

  function showClasses(seen, painted) {
    const order = seen.map((_, k) => k);
    if (order.length > MOST_ROWS) {
      order.sort((a, b) => seen[b] + painted[b] - seen[a] - painted[a]).length = MOST_ROWS;
    }
    const best = [largest(seen), largest(painted)];
    find("classes").replaceChildren(
      ...order.map((k) => {
        const head = make("th", { scope: "row", textContent: demo.facts.classes[k] });
        const cells = [bar("seen", seen[k], best[0] === k), bar("painted", painted[k], best[1] === k)];
        return make("tr", {}, head, ...cells);
      }),
    );
    find("classes-box").hidden = false;
  }

  function showNeighbours(pictures) {
    find("neighbours").replaceChildren(
      ...pictures.map((picture, k) => {
        const canvas = make("canvas", { role: "img" });
        canvas.setAttribute("aria-label", `Real target image ${k + 1} of ${pictures.length}, the nearest first`);
        demo.paint(canvas, picture);
        return make("div", { className: "tile" }, canvas);
      }),
    );
    find("neighbours-box").hidden = false;
  }

  function bar(kind, share, isBest) {
    const fill = make("span", { className: `fill ${kind}` });
    fill.style.width = `${100 * share}%`;
    const track = make("span", { className: "track" }, fill);
    const number = make("span", { className: "number", textContent: percent(share) });
    return make("td", { className: isBest ? "best" : "" }, make("span", { className: "bar" }, track, number));
  }
})(window.demo);

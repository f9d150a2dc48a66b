// Curves of the training as SVG, one panel for lines that are read together.
(function (demo) {
  "use strict";
  const { find, make } = demo;
  const SVG = "http://www.w3.org/2000/svg";
  const BOX = { height: 190, left: 36, right: 12, top: 8, bottom: 24 };

  demo.startCurves = function () {
    const { curves } = demo.facts;
    find("curves-box").hidden = !curves.length;
    find("curves").append(...curves.map(panel));
  };

  function panel({ title, says, lines }) {
    const readout = make("p", { className: "readout soft" });
    const legend = make("ul", { className: "legend" });
    lines.forEach((line, k) => {
      const name = make("span", { textContent: line.name });
      legend.append(make("li", {}, make("i", { className: `key line-${k}` }), name));
    });
    const chart = make("div", { className: "chart" });
    let width = 0;
    new ResizeObserver(() => {
      if (chart.clientWidth === width || !chart.clientWidth) return;
      width = chart.clientWidth; // text of one size on every screen
      chart.replaceChildren(plot(title, lines, readout, width));
    }).observe(chart);
    const words = make("p", { className: "soft says", textContent: says });
    return make("figure", {}, make("h3", { textContent: title }), words, chart, legend, readout);
  }

  function plot(title, lines, readout, width) {
    const points = lines.flatMap((line) => line.points);
    const last = Math.max(...points.map(([step]) => step), 1);
    const values = points.map(([, value]) => value);
    const ticks = ticksOf(Math.min(0, ...values), Math.max(...values));
    const [low, high] = [ticks[0], ticks[ticks.length - 1]];
    const x = (step) => BOX.left + (step / last) * (width - BOX.left - BOX.right);
    const y = (value) => BOX.height - BOX.bottom - ((value - low) / (high - low)) * (BOX.height - BOX.top - BOX.bottom);

    const svg = draw("svg", { viewBox: `0 0 ${width} ${BOX.height}`, role: "img", "aria-label": spoken(title, lines) });
    for (const tick of ticks) {
      svg.append(draw("line", { class: "rule", x1: BOX.left, x2: width - BOX.right, y1: y(tick), y2: y(tick) }));
      svg.append(text(short(tick), BOX.left - 6, y(tick) + 4, "end"));
    }
    for (const step of ticksOf(0, last, 4).filter((tick) => tick <= last)) {
      svg.append(text(short(step), x(step), BOX.height - 6, x(step) > width - 30 ? "end" : "middle"));
    }
    lines.forEach((line, k) => {
      const path = line.points.map(([s, v]) => `${x(s).toFixed(1)},${y(v).toFixed(1)}`).join(" ");
      svg.append(draw("polyline", { class: `curve line-${k}`, points: path }));
    });
    follow(svg, lines, { x, last, width, readout });
    return svg;
  }

  /** Says the values under the pointer. */
  function follow(svg, lines, { x, last, width, readout }) {
    const mark = draw("line", { class: "mark", y1: BOX.top, y2: BOX.height - BOX.bottom, visibility: "hidden" });
    svg.append(mark);
    const atEnd = () => say(last);
    function say(step) {
      const parts = lines.map((line) => `${line.name} ${nearest(line.points, step)[1].toPrecision(3)}`);
      readout.textContent = `step ${nearest(lines[0].points, step)[0].toLocaleString("en")}: ${parts.join(", ")}`;
    }
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const across = ((event.clientX - box.left) / box.width) * width;
      const share = (across - BOX.left) / (width - BOX.left - BOX.right);
      const step = nearest(lines[0].points, Math.min(1, Math.max(0, share)) * last)[0];
      for (const side of ["x1", "x2"]) mark.setAttribute(side, x(step));
      mark.setAttribute("visibility", "visible");
      say(step);
    });
    svg.addEventListener("pointerleave", () => {
      mark.setAttribute("visibility", "hidden");
      atEnd();
    });
    atEnd();
  }

  const nearest = (points, step) => points.reduce((a, b) => (Math.abs(b[0] - step) < Math.abs(a[0] - step) ? b : a));

  function spoken(title, lines) {
    const parts = lines.map(({ name, points }) => {
      return `${name} from ${points[0][1].toPrecision(3)} to ${points[points.length - 1][1].toPrecision(3)}`;
    });
    return `${title}: ${parts.join("; ")}`;
  }

  /** Round numbers that span low to high. */
  function ticksOf(low, high, count = 4) {
    const raw = (high - low || 1) / count;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
    const ticks = [];
    for (let k = Math.floor(low / step + 1e-6); ; k++) {
      ticks.push(Number((k * step).toPrecision(10)));
      if (k * step >= high - 1e-9 * step) return ticks;
    }
  }

  const short = (value) => (Math.abs(value) >= 10000 ? `${value / 1000}k` : value.toLocaleString("en"));

  function draw(tag, attributes) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }

  function text(words, x, y, anchor) {
    const element = draw("text", { x, y, "text-anchor": anchor });
    element.textContent = words;
    return element;
  }
})(window.demo);

// A pad to draw on; for the keyboard, characters that are typed.
(function (demo) {
  "use strict";
  const { find } = demo;

  demo.startDrawing = function () {
    const pad = find("pad");
    const context = pad.getContext("2d");
    const dark = "#16181d", light = "#ffffff";
    const isGray = demo.facts.channels === 1; // handwriting: light on dark
    find("pen").value = isGray ? light : dark;
    find("paper").value = isGray ? "#000000" : light;

    let marks = []; // strokes, lists of points; and characters
    let stroke = null;

    function redraw() {
      context.fillStyle = find("paper").value;
      context.fillRect(0, 0, pad.width, pad.height);
      marks.forEach((mark) => (mark.text ? type(mark) : follow(mark)));
    }

    function follow({ points, width, colour }) {
      Object.assign(context, { lineCap: "round", lineJoin: "round", lineWidth: width, strokeStyle: colour });
      context.beginPath();
      context.moveTo(...points[0]);
      points.forEach((point) => context.lineTo(...point));
      context.stroke();
    }

    function type({ text, colour }) {
      Object.assign(context, { textAlign: "center", textBaseline: "alphabetic", fillStyle: colour });
      context.font = "600 200px system-ui, sans-serif";
      const box = context.measureText(text);
      const wide = box.actualBoundingBoxLeft + box.actualBoundingBoxRight;
      const tall = box.actualBoundingBoxAscent + box.actualBoundingBoxDescent;
      const scale = (0.8 * pad.width) / Math.max(wide, tall, 1);
      context.save();
      context.translate(pad.width / 2, pad.height / 2);
      context.scale(scale, scale);
      const across = (box.actualBoundingBoxLeft - box.actualBoundingBoxRight) / 2;
      context.fillText(text, across, (box.actualBoundingBoxAscent - box.actualBoundingBoxDescent) / 2);
      context.restore();
    }

    let waiting = 0;
    function changed() {
      redraw();
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        pad.toBlob((blob) => demo.show(blob, "Your drawing"), "image/png");
      }, 120);
    }

    function place(event) {
      const box = pad.getBoundingClientRect();
      const scale = pad.width / box.width;
      return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    }

    pad.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      pad.setPointerCapture(event.pointerId);
      stroke = { points: [place(event)], width: Number(find("width").value), colour: find("pen").value };
      marks.push(stroke);
      redraw();
    });
    pad.addEventListener("pointermove", (event) => {
      if (!stroke) return;
      stroke.points.push(...(event.getCoalescedEvents?.() ?? [event]).map(place));
      redraw();
    });
    for (const name of ["pointerup", "pointercancel"]) {
      pad.addEventListener(name, () => {
        if (stroke) changed();
        stroke = null;
      });
    }
    find("glyph").addEventListener("input", (event) => {
      const text = event.target.value.trim();
      marks = text ? [{ text, colour: find("pen").value }] : [];
      if (text) changed();
      else redraw();
    });
    find("paper").addEventListener("input", () => (marks.length ? changed() : redraw()));
    find("undo").addEventListener("click", () => {
      marks.pop();
      if (marks.length) changed();
      else redraw();
    });
    find("clear").addEventListener("click", () => {
      marks = [];
      find("glyph").value = "";
      redraw();
    });
    redraw();
  };
})(window.demo);

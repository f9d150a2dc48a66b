// The same images through the network as it learned: a slider over the grids that the run drew.
(function (demo) {
  "use strict";
  const { find, make } = demo;
  const SAYS = {
    translations: "Images of the source, and under each what the network makes of it at that step.",
    reconstructions: "Images of the target, which the network should leave as they are, and what it makes of them.",
  };

  demo.startSteps = function () {
    const { kinds } = demo.facts.grid;
    const names = Object.keys(kinds);
    if (!names.length) return;
    find("steps-box").hidden = false;
    const slider = find("step");
    const images = new Map(); // name of a file -> a promise of its image
    let kind = names[0];
    let timer = 0;

    names.forEach((name) => {
      const radio = make("input", { type: "radio", name: "kind", value: name, checked: name === kind });
      radio.addEventListener("change", () => begin(name));
      find("kinds").append(make("label", {}, radio, make("span", { textContent: name })));
    });
    find("kinds").hidden = names.length < 2;

    function load(file) {
      if (!images.has(file)) {
        const image = make("img", { src: file });
        images.set(file, image.decode().then(() => image));
      }
      return images.get(file);
    }

    async function show() {
      const [step, file] = kinds[kind][slider.value];
      const words = `step ${step.toLocaleString("en")}`;
      find("step-label").textContent = words;
      slider.setAttribute("aria-valuetext", words);
      find("grid").setAttribute("aria-label", `${kind} at ${words}`);
      try {
        const image = await load(file);
        if (kinds[kind][slider.value][1] === file) layOut(find("grid"), image, demo.facts.grid);
      } catch {
        find("step-label").textContent = `${words}: its picture cannot be read`;
      }
    }

    function begin(name) {
      kind = name;
      find("steps-says").textContent = SAYS[name];
      slider.max = kinds[name].length - 1;
      slider.value = slider.max;
      show();
    }

    function play(isOn) {
      clearInterval(timer);
      timer = 0;
      find("play").setAttribute("aria-pressed", isOn);
      find("play").textContent = isOn ? "Pause" : "Play";
      if (!isOn) return;
      kinds[kind].forEach(([, file]) => load(file).catch(() => null));
      if (slider.value === slider.max) slider.value = 0;
      show();
      timer = setInterval(() => {
        slider.value = Number(slider.value) + 1;
        show();
        if (slider.value === slider.max) play(false);
      }, 700);
    }

    slider.addEventListener("input", () => {
      play(false);
      show();
    });
    find("play").addEventListener("click", () => play(!timer));
    find("play").hidden = kinds[kind].length < 2;
    new ResizeObserver(show).observe(find("steps-box"));
    begin(kind);
  };

  /** Lays the pairs of a grid out anew, as many in a row as there is room for. */
  function layOut(canvas, image, { size, scale, border }) {
    const cell = size * scale, pitch = (size + border) * scale, edge = border * scale;
    const columns = Math.floor((image.naturalWidth - edge) / pitch);
    const rows = Math.floor((image.naturalHeight - edge) / pitch / 2);
    const room = canvas.parentElement.clientWidth - 2 * parseFloat(getComputedStyle(canvas.parentElement).paddingLeft);
    const least = Math.max(44, Math.min(size, 72));
    const across = Math.max(3, Math.min(columns, Math.floor(room / least)));
    const total = room < 500 ? Math.min(columns * rows, 3 * across) : Math.floor((columns * rows) / across) * across;
    const down = Math.ceil(total / across);
    canvas.width = across * pitch - edge;
    canvas.height = down * (2 * cell + 2 * edge);
    const context = canvas.getContext("2d");
    for (let k = 0; k < total; k++) {
      const left = edge + (k % columns) * pitch;
      const top = edge + 2 * Math.floor(k / columns) * pitch;
      const [x, y] = [(k % across) * pitch, Math.floor(k / across) * (2 * cell + 2 * edge)];
      context.drawImage(image, left, top, cell, cell, x, y, cell, cell);
      context.drawImage(image, left, top + pitch, cell, cell, x, y + cell, cell, cell);
    }
  }
})(window.demo);

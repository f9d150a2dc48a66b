// Where an image comes from: a file, a drop, the clipboard, an example; camera and pad are apart.
(function (demo) {
  "use strict";
  const { find, make } = demo;

  demo.startInputs = function () {
    document.querySelectorAll("[name=mode]").forEach((radio) => {
      radio.addEventListener("change", () => choose(radio.value));
    });
    find("file").addEventListener("change", (event) => {
      take(event.target.files);
      event.target.value = ""; // the same file again is a change, too
    });
    startDrops();
    document.addEventListener("paste", (event) => {
      const files = event.clipboardData?.files ?? [];
      if (files.length) {
        event.preventDefault();
        take(files);
      } else if (!event.target.matches?.("input[type=text]")) {
        demo.refuse("There is no image in the clipboard. Copy an image first, not its address.");
      }
    });
    startPasting();
    showExamples();
  };

  function choose(mode) {
    document.querySelectorAll(".panel").forEach((panel) => (panel.hidden = panel.dataset.mode !== mode));
    if (mode !== "camera") demo.stopCamera();
  }

  function take(files) {
    if (!files.length) return;
    const more = files.length > 1 ? `, the first of ${files.length} files,` : "";
    demo.show(files[0], `${files[0].name || "Your image"}${more}`);
  }

  function startDrops() {
    let depth = 0; // dragenter and dragleave come for every element that is passed
    const end = () => {
      depth = 0;
      find("dropping").hidden = true;
    };
    addEventListener("dragenter", () => {
      depth++;
      find("dropping").hidden = false;
    });
    addEventListener("dragleave", () => --depth <= 0 && end());
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => {
      event.preventDefault();
      end();
      if (event.dataTransfer.files.length) take(event.dataTransfer.files);
      else demo.refuse("That was no file. Save the image on this computer first, then drop the file.");
    });
  }

  function startPasting() {
    const button = find("paste");
    button.hidden = !navigator.clipboard?.read;
    button.addEventListener("click", async () => {
      try {
        for (const item of await navigator.clipboard.read()) {
          const type = item.types.find((name) => name.startsWith("image/"));
          if (type) return demo.show(await item.getType(type), "The pasted image");
        }
        demo.refuse("There is no image in the clipboard. Copy an image first, not its address.");
      } catch {
        demo.refuse("The browser does not give the clipboard to this button. Press Ctrl-V instead.");
      }
    });
  }

  function showExamples() {
    const { examples } = demo.facts;
    find("examples-box").hidden = !examples.length;
    const buttons = examples.map((url, k) => {
      const image = make("img", { src: url, alt: `example ${k + 1}`, width: 48, height: 48 });
      const button = make("button", { type: "button", className: "example" }, image);
      button.addEventListener("click", () => demo.showExample(k));
      return button;
    });
    find("examples").append(...buttons);
  }

  /** Translates an example. Its data URL is read here: fetching it would be a connection. */
  demo.showExample = function (k) {
    const bytes = demo.bytesOf(demo.facts.examples[k].split(",")[1]);
    const shown = demo.show(new Blob([bytes], { type: "image/png" }), `Example ${k + 1}`);
    find("examples").children[k].classList.add("chosen");
    return shown;
  };
})(window.demo);

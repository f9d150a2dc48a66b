// Fills the page with what is known of the network, and translates the first example.
(function (demo) {
  "use strict";
  const { find, facts } = demo;

  const { size, channels, source, target } = facts;
  if (source && target && source !== target) {
    find("title").textContent = `From ${source} to ${target}`;
    document.title = `${facts.name}: translate an image`;
  }
  find("name").textContent = `/ ${facts.name}`;
  find("lead").textContent =
    `Give it an image. The network reads ${size} × ${size} pixels of it` +
    `${channels === 1 ? " in gray" : ""} and paints what it holds in the other style.`;
  find("seen-says").textContent = `what it reads, ${size} × ${size}`;
  find("whole-says").textContent = facts.fit === "crop" ? "the image, its centre" : "the image, on white";
  find("tiles").classList.add(facts.fit);
  find("privacy").textContent = demo.privacy;
  find("origin").textContent = `${facts.origin} Weights ${facts.weights}, dtn_tf ${facts.version}.`;

  demo.startInputs();
  demo.startDrawing();
  demo.startCamera();
  demo.startSteps();
  demo.startCurves();
  demo.ready.catch((error) => demo.refuse(error.message));
  if (facts.examples.length) demo.showExample(0);
  else find("status").textContent = "Choose an image, take a picture, or draw.";
})(window.demo);

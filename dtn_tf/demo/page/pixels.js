// Pictures as the back ends give them: {width, height, channels, data: Uint8Array}.
(function (demo) {
  "use strict";

  /** base64 -> Uint8Array. */
  demo.bytesOf = function (base64) {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
    return bytes;
  };

  /** Paints a picture on a canvas, pixel for pixel; CSS enlarges it without smoothing. */
  demo.paint = function (canvas, picture) {
    const { width, height, channels, data } = picture;
    canvas.width = width;
    canvas.height = height;
    const image = new ImageData(width, height);
    for (let k = 0; k < width * height; k++) {
      for (let c = 0; c < 3; c++) image.data[4 * k + c] = data[channels * k + (channels === 3 ? c : 0)];
      image.data[4 * k + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  };

  /** Refuses a file by its size, before anything reads it. */
  demo.checkBytes = function (blob) {
    const most = demo.facts.most.bytes;
    if (!blob.size) throw new Error("This file is empty.");
    if (blob.size > most) {
      const found = (blob.size / 2 ** 20).toFixed(0);
      throw new Error(`This file has ${found} MB; the page takes up to ${most / 2 ** 20} MB. Scale the image down first.`);
    }
  };

  demo.find = (id) => document.getElementById(id);

  /** Makes an element: tag, properties, children. */
  demo.make = function (tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
})(window.demo);

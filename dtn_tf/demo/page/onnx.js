// The back end of the page that is files alone: ONNX Runtime in the browser translates.
// Nothing is fetched: a page that was opened from a disk may load scripts, and nothing else.
(function (demo) {
  "use strict";
  const { facts } = demo;
  const HEAD = 1 << 18; // bytes: a JPEG has its thumbnail before its size

  demo.privacy = "Images do not leave this browser: the network runs in it, and the page may not send anything.";
  demo.files = {}; // the scripts below put base64 of gzip there

  let session = null;
  demo.ready = start();

  async function start() {
    if (!globalThis.WebAssembly || !globalThis.DecompressionStream) {
      throw new Error("This browser is too old for this page: it needs one of 2023 or later.");
    }
    for (const name of ["ort/ort.wasm.min.js", "ort/glue.js", "ort/wasm.js", "network.js"]) await load(name);
    const wasm = globalThis.ort.env.wasm;
    wasm.numThreads = 1; // more of them need headers that a file server does not send
    wasm.wasmBinary = await file("wasm");
    const glue = new Blob([await file("glue")], { type: "text/javascript" });
    wasm.wasmPaths = { mjs: URL.createObjectURL(glue) };
    session = await globalThis.ort.InferenceSession.create(new Uint8Array(await file("network")));
  }

  function load(src) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const failed = () => reject(new Error(`${src} of this page is missing. Copy the whole folder.`));
      Object.assign(script, { src, onload: resolve, onerror: failed });
      document.head.append(script);
    });
  }

  /** A file of `demo.files`, unpacked: ArrayBuffer. */
  function file(name) {
    const packed = new Blob([demo.bytesOf(demo.files[name])]);
    delete demo.files[name];
    return new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  }

  /** Blob of an image file -> {input, translation, seen, painted}; throws an Error in plain words. */
  demo.translate = async function (blob) {
    demo.checkBytes(blob);
    const input = await read(blob);
    const { width, height, channels, data } = input;
    const images = new globalThis.ort.Tensor("uint8", data, [1, height, width, channels]);
    const { translations, seen, painted } = await session.run({ images });
    const [, gheight, gwidth, gchannels] = translations.dims;
    const translation = { width: gwidth, height: gheight, channels: gchannels, data: translations.data };
    return { input, translation, seen: seen && [...seen.data], painted: painted && [...painted.data] };
  };

  /** Decodes with this browser, without its colour management: what the file says counts. */
  async function read(blob) {
    const head = demo.headOf(new Uint8Array(await blob.slice(0, HEAD).arrayBuffer()));
    refuseMore(head.width, head.height); // most bombs in PNG and JPEG, before they are decoded
    let bitmap;
    try {
      bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    } catch {
      throw new Error("This browser cannot read the file as an image. PNG and JPEG work everywhere.");
    }
    try {
      refuseMore(bitmap.width, bitmap.height); // others, once the browser has decoded them
      const square = demo.square(rowsOf(bitmap, head.turn), facts.size, facts.channels, facts.fit);
      return demo.turned(square, head.turn);
    } finally {
      bitmap.close();
    }
  }

  function refuseMore(width, height) {
    const most = facts.most.pixels;
    if (width * height <= most) return;
    const [w, h] = [width, height].map((length) => length.toLocaleString("en"));
    throw new Error(`This image has ${w} x ${h} pixels; the page takes up to ${most / 1e6} million. Scale it down first.`);
  }

  /** The picture as it lies in the file, for the browser has turned it: Python turns it last. */
  function rowsOf(bitmap, turn) {
    const sides = [bitmap.width, bitmap.height];
    const [width, height] = turn >= 5 ? sides.reverse() : sides;
    const [a, b, c, d, e, f] = demo.intoFile(turn, width, height);
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    function rows(top, count) {
      [canvas.width, canvas.height] = [width, count];
      context.fillStyle = "#fff"; // what is transparent shows white
      context.fillRect(0, 0, width, count);
      context.imageSmoothingEnabled = false;
      context.setTransform(a, b, c, d, e, f - top);
      context.drawImage(bitmap, 0, 0);
      return demo.levels(context.getImageData(0, 0, width, count).data, facts.channels);
    }
    return { width, height, rows };
  }
})(window.demo);

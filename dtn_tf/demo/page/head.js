// What the head of a PNG or JPEG says, before it is decoded: how large it is, and of a JPEG how it
// is turned. A PNG or WebP that is turned by its EXIF is as the browser shows it.
(function (demo) {
  "use strict";
  const ORIENTATION = 0x0112; // EXIF 2.32, 4.6.4

  /** @returns {{width: ?number, height: ?number, turn: number}} turn as in EXIF, 1 is upright */
  demo.headOf = function (bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    try {
      if (view.getUint32(0) === 0x89504e47) return { width: view.getUint32(16), height: view.getUint32(20), turn: 1 };
      if (view.getUint16(0) === 0xffd8) return ofJpeg(view);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error; // a torn head: whoever decodes will say so
    }
    return { width: null, height: null, turn: 1 };
  };

  function ofJpeg(view) {
    let turn = 1;
    for (let at = 2; view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2)) {
      const marker = view.getUint8(at + 1);
      if (marker === 0xe1 && view.getUint32(at + 4) === 0x45786966) turn = turnOf(view, at + 10);
      const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
      if (isFrame) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5), turn };
    }
    return { width: null, height: null, turn };
  }

  /** The orientation in a TIFF header, 1 to 8: entries of 12 bytes, tag first. */
  function turnOf(view, base) {
    const isLittle = view.getUint16(base) === 0x4949;
    const table = base + view.getUint32(base + 4, isLittle);
    const count = view.getUint16(table, isLittle);
    for (let k = 0; k < count; k++) {
      const entry = table + 2 + 12 * k;
      if (view.getUint16(entry, isLittle) !== ORIENTATION) continue;
      const turn = view.getUint16(entry + 8, isLittle);
      return turn >= 1 && turn <= 8 ? turn : 1; // other values mean nothing: upright, as in Python
    }
    return 1;
  }

  /**
   * Where a point of the picture as shown lies in the file: for a canvas's setTransform.
   * @param {number} turn as in EXIF
   * @param {number} w, h sides of the picture in the file
   */
  demo.intoFile = function (turn, w, h) {
    const matrices = {
      2: [-1, 0, 0, 1, w, 0],
      3: [-1, 0, 0, -1, w, h],
      4: [1, 0, 0, -1, 0, h],
      5: [0, 1, 1, 0, 0, 0],
      6: [0, -1, 1, 0, 0, h],
      7: [0, -1, -1, 0, w, h],
      8: [0, 1, -1, 0, w, 0],
    };
    return matrices[turn] ?? [1, 0, 0, 1, 0, 0];
  };

  /** Turns a square picture as the file says. */
  demo.turned = function (picture, turn) {
    const { width: size, channels, data } = picture;
    const [a, b, c, d, e, f] = demo.intoFile(turn, size - 1, size - 1);
    const out = new Uint8Array(data.length);
    for (let k = 0; k < size * size; k++) {
      const [x, y] = [k % size, Math.floor(k / size)];
      const from = ((b * x + d * y + f) * size + a * x + c * y + e) * channels;
      out.set(data.subarray(from, from + channels), k * channels);
    }
    return { ...picture, data: out };
  };
})(globalThis.demo);

// Any image -> square pixels, as dtn_tf/data/decode.py makes them, number for number.
//
// A browser's own scaling is another one in every browser, and a network sees the difference.
// The rule: the largest square of the centre, or all of it on white; scaled bilinearly, where it
// shrinks by the weighted mean of all pixels that are covered; rows first, then columns, in whole
// numbers of 22 bits, rounded to a level after each, as Pillow does it.
(function (demo) {
  "use strict";
  const BITS = 22;
  const BAND = 1 << 20; // pixels that are read at a time: a phone has little memory for a canvas

  /**
   * The weights of a new line of pixels.
   * @param {number} size of the old line, in pixels
   * @param {number} from, to part of it that is scaled
   * @param {number} length of the new line
   * @returns {{first: number, weights: Int32Array}[]} one of each new pixel
   */
  function kernels(size, from, to, length) {
    const scale = (to - from) / length;
    const reach = Math.max(scale, 1); // of the triangle, to each side
    return Array.from({ length }, (_, k) => {
      const centre = from + (k + 0.5) * scale;
      const first = Math.max(0, Math.trunc(centre - reach + 0.5));
      const end = Math.min(size, Math.trunc(centre + reach + 0.5));
      const raw = Array.from({ length: end - first }, (_, j) => {
        return Math.max(0, 1 - Math.abs((first + j - centre + 0.5) * (1 / reach)));
      });
      const sum = raw.reduce((a, b) => a + b, 0);
      return { first, weights: Int32Array.from(raw, (w) => Math.trunc((w / sum) * 2 ** BITS + 0.5)) };
    });
  }

  /** Scales along one axis; `at(k, j)` is where pixel k of line j lies in `data`. */
  function along(kernel, lines, channels, data, at, out, to) {
    for (let line = 0; line < lines; line++) {
      for (let k = 0; k < kernel.length; k++) {
        const { first, weights } = kernel[k];
        for (let c = 0; c < channels; c++) {
          let sum = 1 << (BITS - 1);
          for (let j = 0; j < weights.length; j++) sum += weights[j] * data[at(first + j, line) + c];
          out[to(k, line) + c] = sum >> BITS;
        }
      }
    }
  }

  /**
   * Scales a part of an image.
   * @param {{width: number, height: number, rows: function(number, number): Uint8Array}} image
   *   whose `rows(top, count)` gives whole rows, `channels` bytes a pixel
   * @param {number} channels 1 or 3
   * @param {number[]} box left, top, right, bottom
   * @param {number[]} size width, height
   * @returns {Uint8Array} height x width x channels
   */
  demo.resize = function (image, channels, [left, top, right, bottom], [width, height]) {
    const across = kernels(image.width, left, right, width);
    const down = kernels(image.height, top, bottom, height);
    const begin = down[0].first;
    const end = down[height - 1].first + down[height - 1].weights.length;
    const narrow = new Uint8Array((end - begin) * width * channels);
    const step = Math.max(1, Math.floor(BAND / image.width));
    for (let row = begin; row < end; row += step) {
      const count = Math.min(step, end - row);
      const data = image.rows(row, count);
      const at = (k, line) => (line * image.width + k) * channels;
      const to = (k, line) => ((row - begin + line) * width + k) * channels;
      along(across, count, channels, data, at, narrow, to);
    }
    const out = new Uint8Array(width * height * channels);
    const at = (k, line) => ((k - begin) * width + line) * channels;
    const to = (k, line) => (k * width + line) * channels;
    along(down, width, channels, narrow, at, out, to);
    return out;
  };

  /** Makes an image square. Arguments as in `resize`; `fit` is "crop" or "pad". */
  demo.square = function (image, size, channels, fit) {
    const { width, height } = image;
    const side = fit === "crop" ? Math.min(width, height) : Math.max(width, height);
    const done = { width: size, height: size, channels };
    if (fit === "crop") {
      const [left, top] = [width, height].map((length) => Math.floor((length - side) / 2));
      return { ...done, data: demo.resize(image, channels, [left, top, left + side, top + side], [size, size]) };
    }
    const [wide, tall] = [width, height].map((length) => Math.max(1, toEven((length * size) / side)));
    const part = demo.resize(image, channels, [0, 0, width, height], [wide, tall]);
    const data = new Uint8Array(size * size * channels).fill(255);
    const [left, top] = [wide, tall].map((length) => Math.floor((size - length) / 2));
    for (let row = 0; row < tall; row++) {
      const line = part.subarray(row * wide * channels, (row + 1) * wide * channels);
      data.set(line, ((top + row) * size + left) * channels);
    }
    return { ...done, data };
  };

  /** Rounds as Python does: a half to the even number. */
  function toEven(value) {
    const low = Math.floor(value);
    if (value - low !== 0.5) return Math.round(value);
    return low % 2 ? low + 1 : low;
  }

  /** RGBA on white -> RGB, or gray by Pillow's whole numbers of ITU-R BT.601. */
  demo.levels = function (rgba, channels) {
    const count = rgba.length / 4;
    const out = new Uint8Array(count * channels);
    for (let k = 0; k < count; k++) {
      const [r, g, b] = [rgba[4 * k], rgba[4 * k + 1], rgba[4 * k + 2]];
      if (channels === 1) out[k] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
      else out.set([r, g, b], 3 * k);
    }
    return out;
  };
})(globalThis.demo);

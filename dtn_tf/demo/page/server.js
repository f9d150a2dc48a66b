// The back end of the served page: the program on this computer translates.
(function (demo) {
  "use strict";

  demo.ready = Promise.resolve();
  demo.privacy = "Images go to the program on this computer, and no further. Nothing is stored.";

  /** Blob of an image file -> {input, translation, seen, painted, neighbours}; throws an Error in plain words. */
  demo.translate = async function (blob, signal) {
    demo.checkBytes(blob);
    const answer = await ask(blob, signal);
    for (const name of ["input", "translation"]) answer[name].data = demo.bytesOf(answer[name].data);
    for (const picture of answer.neighbours ?? []) picture.data = demo.bytesOf(picture.data);
    return answer;
  };

  async function ask(blob, signal) {
    let response, answer;
    try {
      const headers = { "Content-Type": "application/octet-stream" };
      response = await fetch("translate", { method: "POST", body: blob, headers, signal });
      answer = await response.json();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error("The program on this computer does not answer. Is it still running?");
    }
    if (!response.ok) throw new Error(answer.error);
    return answer;
  }
})(window.demo);

// The camera of this device, where the browser gives it; else the phone's own camera app.
(function (demo) {
  "use strict";
  const { find } = demo;
  let stream = null;

  demo.startCamera = function () {
    const video = find("video");
    const hasCamera = Boolean(navigator.mediaDevices?.getUserMedia); // https and this machine alone
    find("camera-start").hidden = !hasCamera;
    find("camera-app").hidden = hasCamera;
    video.parentElement.hidden = !hasCamera;

    find("camera-start").addEventListener("click", async () => {
      try {
        const wanted = { facingMode: "environment", width: { ideal: 1280 } };
        stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
        video.srcObject = stream;
        await video.play();
        find("camera-start").hidden = true;
        find("camera-take").hidden = false;
        find("camera-take").focus();
      } catch (error) {
        find("camera-app").hidden = false;
        demo.refuse(why(error));
      }
    });
    find("camera-take").addEventListener("click", () => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      canvas.getContext("2d").drawImage(video, 0, 0);
      canvas.toBlob((blob) => demo.show(blob, "Your picture"), "image/png");
    });
    find("capture").addEventListener("change", (event) => {
      if (event.target.files[0]) demo.show(event.target.files[0], "Your picture");
    });
    window.addEventListener("pagehide", demo.stopCamera);
  };

  demo.stopCamera = function () {
    if (!stream) return;
    stream.getTracks().forEach((track) => track.stop());
    stream = find("video").srcObject = null;
    find("camera-start").hidden = false;
    find("camera-take").hidden = true;
  };

  function why(error) {
    if (error.name === "NotAllowedError") return "The browser was not allowed to use the camera. Allow it for this page, or choose a file.";
    if (error.name === "NotFoundError") return "This device has no camera. Choose a file, or draw.";
    return `The camera does not start: ${error.message || error.name}. Choose a file, or draw.`;
  }
})(window.demo);

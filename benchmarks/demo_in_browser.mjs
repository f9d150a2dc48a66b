// Drives the page in headless Chromium, for demo_in_browser.py: node THIS JSON -> JSON lines.
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";

const given = JSON.parse(process.argv[2]); // node_modules, chromium, profile, kinds, files, refused, shots
const require = createRequire(path.join(given.node_modules, "x.js"));
const { chromium } = require("playwright-core");
const ARGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update"],
  ...["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
];

const say = (line) => console.log(JSON.stringify(line));

/** Waits for what the page makes of an action. */
async function answer(page, act) {
  await page.evaluate(() => (demo.last = null));
  await page.evaluate(() => (document.getElementById("error").hidden = true));
  await act();
  await page.waitForFunction(
    () => demo.last || !document.getElementById("error").hidden, null, { timeout: 120000 },
  );
  return page.evaluate(() => {
    const box = document.getElementById("error");
    if (!box.hidden) return { error: box.textContent };
    const text = ({ data }) => btoa(String.fromCharCode(...data));
    const { input, translation, seen, painted } = demo.last;
    return { input: text(input), translation: text(translation), seen, painted, status: document.getElementById("status").textContent };
  });
}

/** Hands a file over by an event of the page: "drop" or "paste". */
async function handOver(page, event, file) {
  const data = fs.readFileSync(file).toString("base64");
  await page.evaluate(([kind, text, name]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([demo.bytesOf(text)], name, { type: "image/png" }));
    const how = { bubbles: true, cancelable: true };
    if (kind === "drop") document.body.dispatchEvent(new DragEvent(kind, { ...how, dataTransfer: transfer }));
    else document.body.dispatchEvent(new ClipboardEvent(kind, { ...how, clipboardData: transfer }));
  }, [event, data, path.basename(file)]);
}

async function strokes(page) {
  const box = await page.locator("#pad").boundingBox();
  const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
  const points = [[0.25, 0.22], [0.75, 0.22], [0.62, 0.5], [0.42, 0.85]]; // a seven
  await page.mouse.move(...at(points[0]));
  await page.mouse.down();
  for (const point of points) await page.mouse.move(...at(point), { steps: 4 });
  await page.mouse.up();
}

const padPng = (page) => page.evaluate(() => document.getElementById("pad").toDataURL("image/png").split(",")[1]);

async function drive(kind, url, context) {
  const page = await context.newPage();
  const outside = [], wrong = [];
  page.on("request", (request) => {
    const found = request.url();
    if (!found.startsWith(new URL(".", url).href) && !/^(data|blob):/.test(found)) outside.push(found);
  });
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(error.message));
  await page.goto(url); // it translates the first example by itself
  await page.waitForFunction(() => document.getElementById("status").textContent.includes("translated"), null, { timeout: 120000 });
  const first = await answer(page, () => page.locator(".example").first().click());
  say({ kind, act: "example", example: await page.evaluate(() => demo.facts.examples[0].split(",")[1]), ...first });
  for (const file of given.files) {
    say({ kind, act: "upload", file, ...(await answer(page, () => page.setInputFiles("#file", file))) });
  }
  for (const event of ["drop", "paste"]) {
    say({ kind, act: event, file: given.files[0], ...(await answer(page, () => handOver(page, event, given.files[0]))) });
  }
  for (const file of given.refused) {
    say({ kind, act: "refused", file, ...(await answer(page, () => page.setInputFiles("#file", file))) });
  }
  wrong.splice(0, wrong.length, ...wrong.filter((text) => !/status of (413|422)/.test(text)));
  await page.focus("[name=mode][value=file]"); // by keyboard from here
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  const drawn = await answer(page, () => strokes(page));
  say({ kind, act: "draw", png: await padPng(page), ...drawn });
  const typed = await answer(page, () => page.fill("#glyph", "3"));
  say({ kind, act: "type", png: await padPng(page), ...typed });
  await page.focus("[name=mode][value=draw]");
  await page.keyboard.press("ArrowLeft");
  await page.click("#camera-start");
  await page.waitForSelector("#camera-take:not([hidden])");
  await page.waitForTimeout(500);
  const taken = await answer(page, () => page.click("#camera-take"));
  say({ kind, act: "camera", ...taken });
  await page.focus("#step");
  await page.keyboard.press("Home");
  await page.waitForTimeout(300);
  say({ kind, act: "steps", label: await page.textContent("#step-label"), curves: await page.locator("polyline").count() });
  say({ kind, act: "talk", outside, wrong });
  if (given.shots) await shots(kind, page);
  await page.close();
}

async function shots(kind, page) {
  await page.locator("[name=mode][value=draw]").check();
  await page.fill("#glyph", "7");
  for (const width of [1280, 768, 360]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(600);
      await page.screenshot({ path: path.join(given.shots, `${kind}-${width}-${colorScheme}.png`), fullPage: true });
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    say({ kind, act: "width", width, wide });
  }
}

const how = { executablePath: given.chromium, args: ARGS, viewport: { width: 1280, height: 900 } };
const context = await chromium.launchPersistentContext(given.profile, how);
for (const [kind, url] of Object.entries(given.kinds)) await drive(kind, url, context);
await context.close();

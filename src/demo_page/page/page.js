"use strict";

const $ = (id) => document.getElementById(id);
const paper = $("drawing");
const SIDE = paper.width;
const PEN = 22; // of 280 pixels: as thick as MNIST's strokes, once the digit fills its box
const STEP = 14; // of the arrow keys
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

let strokes = []; // each a list of points
let open = null; // the current stroke
let testImage = null; // shown on the paper instead of a drawing
let pen = { x: SIDE / 2, y: SIDE / 4, down: false, shown: false }; // the keyboard's
let about = { classes: [], models: [] };
let cards = [];
let reading = false; // the models are reading a drawing
let changed = false; // since they began
let generation = 0; // only answers to the latest request are shown

const element = (tag, textContent = "", className = "") =>
  Object.assign(document.createElement(tag), { textContent, className });
const square = (side) => Object.assign(element("canvas"), { width: side, height: side });
const percent = (fraction) => `${(100 * fraction).toFixed(fraction < 0.0995 ? 1 : 0)}%`;

// The paper

function draw(context, color) {
  context.clearRect(0, 0, SIDE, SIDE);
  context.strokeStyle = color;
  context.lineWidth = PEN;
  context.lineCap = context.lineJoin = "round";
  for (const points of strokes) {
    context.beginPath();
    context.moveTo(points[0].x, points[0].y);
    for (const point of points) context.lineTo(point.x, point.y);
    context.stroke();
  }
}

function show() {
  const context = paper.getContext("2d");
  const style = getComputedStyle(paper);
  draw(context, style.color);
  if (testImage) {
    const small = square(28);
    paint(small, testImage, style.color);
    context.drawImage(small, 0, 0, SIDE, SIDE);
  }
  if (pen.shown) {
    context.beginPath();
    context.arc(pen.x, pen.y, PEN / 2 + 3, 0, 2 * Math.PI);
    context.lineWidth = 2;
    context.strokeStyle = style.getPropertyValue("--best");
    context.setLineDash(pen.down ? [] : [4, 4]);
    context.stroke();
    context.setLineDash([]);
  }
}

function ink() {
  const context = square(SIDE).getContext("2d");
  draw(context, "#000");
  return context.getImageData(0, 0, SIDE, SIDE).data.filter((_, place) => place % 4 === 3);
}

function edited() {
  testImage = null;
  show();
  changed = true;
  readDrawing();
}

/** Return where a pointer is, in the canvas's pixels. */
function at({ offsetX, offsetY }) {
  const scale = SIDE / paper.clientWidth;
  return { x: offsetX * scale, y: offsetY * scale };
}

paper.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  paper.setPointerCapture(event.pointerId);
  pen.shown = pen.down = false;
  strokes.push((open = [at(event)]));
  edited();
});
paper.addEventListener("pointermove", (event) => {
  if (!open) return;
  open.push(at(event));
  edited();
});
paper.addEventListener("lostpointercapture", () => (open = null));

paper.addEventListener("keydown", (event) => {
  const move = MOVES[event.key];
  if (!move && event.key !== " " && event.key !== "Delete") return;
  event.preventDefault();
  if (event.key === "Delete") return restart([]);
  pen.shown = true;
  if (event.key === " ") {
    pen.down = !pen.down;
    if (pen.down) strokes.push([]);
  } else {
    const step = event.shiftKey ? STEP / 4 : STEP;
    pen.x = Math.min(SIDE, Math.max(0, pen.x + step * move[0]));
    pen.y = Math.min(SIDE, Math.max(0, pen.y + step * move[1]));
  }
  if (!pen.down) return show();
  strokes.at(-1).push({ x: pen.x, y: pen.y });
  edited();
});
paper.addEventListener("blur", () => {
  pen.shown = pen.down = false;
  show();
});

/** Replace the drawing. */
function restart(remaining) {
  strokes = remaining;
  open = null;
  pen.down = false;
  edited();
}
$("clear").addEventListener("click", () => restart([]));
$("undo").addEventListener("click", () => restart(strokes.slice(0, -1)));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);

// The models

/** Pass the answer to `use`, unless there was a later request; show a problem, if any. */
async function ask(address, use, options) {
  const current = ++generation;
  try {
    const response = await fetch(address, options);
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail);
    if (current === generation) use(answer);
    $("problem").hidden = true;
  } catch (error) {
    const ended = "The program behind this page has ended: start it again with `make demo`.";
    $("problem").textContent = error instanceof TypeError ? ended : error.message;
    $("problem").hidden = false;
  }
}

async function readDrawing() {
  if (reading || !cards.length) return; // it is sent when the answer, or the models, arrive
  reading = true;
  while (changed) {
    changed = false;
    const use = (answer) => showAnswer(answer, answer.image ? "Your drawing" : "Nothing drawn yet");
    await ask("api/read", use, { method: "POST", body: ink() });
  }
  reading = false;
}

async function readTestImage(number) {
  strokes = [];
  changed = false;
  await ask(`api/test-image/${number}`, (answer) => {
    testImage = answer.image;
    show();
    const known = answer.label === null ? "" : `, labeled ${about.classes[answer.label]}`;
    showAnswer(answer, `Test image ${answer.number + 1}${known}`, answer.label);
  });
}
$("random").addEventListener("click", () =>
  readTestImage(Math.floor(Math.random() * about.test_images)));

/** Paint 28×28 pixels in a color of the form `rgb(1, 2, 3)`, on a transparent ground. */
function paint(canvas, pixels, color = "rgb(255, 255, 255)") {
  const context = canvas.getContext("2d");
  const image = context.createImageData(28, 28);
  const rgb = color.match(/\d+/g).map(Number);
  (pixels || []).forEach((ink, place) => image.data.set([...rgb, ink], 4 * place));
  context.putImageData(image, 0, 0);
}

function showAnswer({ image, answers }, source, label = null) {
  paint($("seen"), image);
  $("source").textContent = source;
  const spoken = cards.map((card, place) => showCard(card, answers[place], label));
  $("spoken").textContent = image ? spoken.join(", ") : "";
}

function showCard(card, answer, label) {
  const values = answer ? answer.probabilities : [];
  const best = values.indexOf(Math.max(...values));
  card.rows.forEach((row, place) => {
    row.bar.style.width = answer ? percent(values[place]) : "0";
    row.value.textContent = answer && values[place] >= 0.001 ? percent(values[place]) : "";
    for (const part of row.parts) part.classList.toggle("best", place === best);
  });
  card.digit.textContent = answer ? about.classes[best] : "–";
  card.sure.textContent = answer ? percent(values[best]) : "";
  card.wrong.textContent = answer && label !== null && best !== label ? "✗ wrong" : "";
  card.time.textContent = answer ? `${answer.milliseconds.toFixed(1)} ms` : "";
  return answer ? `${card.name} reads ${about.classes[best]}` : "";
}

function makeCard({ name, champion, run, validation_accuracy: accuracy }) {
  const card = element("article", "", "model");
  const title = element("h3", name);
  if (champion) title.append(" ", element("span", "champion"));
  const validated = accuracy === null ? "" : `validation ${(100 * accuracy).toFixed(2)}%`;
  const answer = element("div", "", about.classes[0].length > 1 ? "answer named" : "answer");
  const [digit, sure, wrong] = [element("b", "–"), element("span"), element("span", "", "wrong")];
  answer.append(digit, sure, wrong);
  const bars = element("div", "", "bars");
  const rows = about.classes.map((term) => {
    const [bar, value] = [element("i"), element("output")];
    const parts = [element("span", term), element("div"), value];
    parts[1].append(bar);
    bars.append(...parts);
    return { bar, value, parts };
  });
  const time = element("div", "", "time");
  const lines = [element("span", run, "about"), element("span", validated, "about")];
  card.append(title, ...lines, answer, bars, time);
  $("models").append(card);
  return { name, digit, sure, wrong, time, rows };
}

function makeMistake({ number, image, label, predicted, probability, reader }) {
  const button = Object.assign(element("button"), { type: "button" });
  const canvas = square(28);
  paint(canvas, image);
  const read = `${about.classes[label]}, read as ${about.classes[predicted]}`;
  const by = `by ${reader}, ${percent(probability)}`;
  button.append(canvas, element("span", read), " ", element("span", by));
  button.addEventListener("click", () => {
    readTestImage(number);
    paper.scrollIntoView({ block: "nearest", behavior: "smooth" });
  });
  $("gallery").append(button);
}

ask("api/about", (answer) => {
  about = answer;
  cards = about.models.map(makeCard);
  about.mistakes.forEach(makeMistake);
  $("mistakes").hidden = !about.mistakes.length;
  $("random").hidden = !about.test_images;
  $("caption").textContent = about.caption;
  const champion = about.models.some((one) => one.champion) ? "the champion and " : "";
  $("about").textContent = about.models.length > 1
    ? `${about.models.length} models read along: ${champion}the run of each ${about.factor} with the best validation accuracy.`
    : "The model below reads along.";
  paint($("seen"), null);
  show();
  readDrawing();
  document.body.dataset.ready = "";
});

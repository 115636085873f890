// The lessons: a panel beside the graph. The lab runs the commands; the page names them by the numbers of lesson and step, never by text.

let lessonShown = null; // what the panel shows: a lesson's number, "" for the list, null for nothing
let lessonNow = null; // the document of the lesson that is shown
let lessonRun = null; // the AbortController of the step that runs

// openLessons shows the lesson that the address names, the list if it names none, or hides the panel.
async function openLessons(query) {
  const wanted = query.get("lesson");
  byId("lesson").hidden = wanted === null;
  document.body.classList.toggle("with-lesson", wanted !== null);
  if (wanted === null || (wanted === lessonShown && wanted !== "")) return;
  lessonRun?.abort();
  lessonShown = wanted;
  await readLessons(wanted === "" ? "/api/lessons" : `/api/lessons/${encodeURIComponent(wanted)}`, wanted === "" ? showLessonList : showLesson);
  byId("lesson-scroll").scrollTop = 0;
}

// readLessons shows what the lab says about lessons, or why it says nothing.
async function readLessons(path, show) {
  lessonTrouble("");
  try {
    show(await ask(path));
  } catch (error) {
    byId("lesson-body").replaceChildren();
    lessonTrouble(error.message);
  }
}

function lessonTrouble(words) {
  byId("lesson-trouble").hidden = words === "";
  tell("lesson-trouble", words);
}

// showLessonRights says why no step can be run from here, if that is so. It is called with every change of the lab's state.
function showLessonRights(state) {
  byId("lesson").classList.toggle("read-only", !state.driving.allowed);
  byId("lesson-off").hidden = state.driving.allowed;
  tell("lesson-off", state.driving.allowed ? "" : `The commands cannot be run from here: ${state.driving.why}.`);
}

function lessonHead(title, facts, all) {
  byId("lesson-title").textContent = title;
  byId("lesson-facts").textContent = facts;
  byId("lesson-all").hidden = !all;
  document.title = `${title} · Hopline console`;
}

// ── The list ──

function showLessonList({ directory, lessons }) {
  lessonNow = null;
  const done = lessons.filter((lesson) => lesson.done).length;
  lessonHead("Lessons", done ? `${done} of ${lessons.length} done` : plural(lessons.length, "lesson"), false);
  const list = element("ol", "lesson-list");
  for (const lesson of lessons) {
    const link = withChildren(element("a"), element("span", "lesson-number", String(lesson.number)), element("span", "lesson-name", lesson.title));
    link.href = `/?lesson=${lesson.number}`;
    const facts = `${lesson.why ? `needs ${lesson.needs} · ` : ""}${lesson.minutes} min`;
    list.append(withChildren(element("li", lesson.why ? "elsewhere" : ""), link, lesson.done ? withChildren(element("span", "status good"), "done") : null, element("span", "quiet small", facts)));
  }
  const where = withChildren(element("p", "quiet small"), "You work in a copy of the overlays: ", element("code", "", directory), ". ", element("code", "", "hopline lesson"), " in a terminal walks through the same lessons.");
  const reset = actButton("Reset the copy", "Reset the copy: all its files as they were at first", resetLessons, "act step-act");
  byId("lesson-body").replaceChildren(list, where, withChildren(element("p", "acts"), reset));
}

async function resetLessons() {
  await attempting(async () => {
    await change("POST", "/api/lessons/reset", undefined, { signal: AbortSignal.timeout(60_000) });
    toast("the copy holds the overlays as they are shipped; what is done stays done");
  });
}

// ── One lesson ──

function showLesson(lesson) {
  lessonNow = lesson;
  lessonHead(`Lesson ${lesson.number}. ${lesson.title}`, `${lesson.minutes} minutes, with ${lesson.needs}${lesson.done ? ", done" : ""}`, true);
  const parts = [prose(lesson.opening)];
  if (lesson.why) parts.unshift(withChildren(element("p", "lesson-why"), `This lab cannot run it. ${lesson.why} There, `, element("code", "", `hopline lesson ${lesson.number} --on cluster`), " walks through it in a terminal."));
  lesson.sections.forEach((section, place) => {
    const box = element("section", "lesson-section");
    box.append(element("h3", "", `${place + 1} of ${lesson.sections.length}. ${section.title}`), ...section.blocks.map(lessonBlock));
    parts.push(box);
  });
  const end = withChildren(element("section", "lesson-end"), element("h3", "", "Read on"), prose(lesson.closing));
  end.append(element("p", "status good lesson-done", `Lesson ${lesson.number} is done.`));
  if (lesson.steps) end.append(withChildren(element("p", "acts"), actButton("Begin again", `Begin again: lesson ${lesson.number}`, beginLessonAgain, "act step-act")));
  byId("lesson-body").replaceChildren(...parts, end);
  showNextStep(lesson.next);
}

async function beginLessonAgain() {
  await attempting(async () => {
    const { number } = lessonNow;
    await change("DELETE", `/api/lessons/${number}`, undefined, { signal: AbortSignal.timeout(60_000) });
    await readLessons(`/api/lessons/${number}`, showLesson);
    byId("lesson-title").focus();
  });
}

// prose shows HTML that the lab has made of a lesson's Markdown. Lessons are part of the lab's program; they are not from outside.
function prose(html) {
  const box = element("div", "prose");
  box.innerHTML = html;
  return box;
}

// lessonBlock shows one piece of a section. What is done in it is a step: an element with the number.
function lessonBlock(block) {
  if (block.kind === "prose") return prose(block.html);
  if (block.kind === "question") return folding(withChildren(element("summary"), ...prose(block.asks).childNodes), prose(block.html));
  const step = element("div", "step");
  step.dataset.step = block.step;
  step.dataset.kind = block.kind;
  for (const command of block.commands) step.append(codeBlock(`$ ${command.replaceAll("\n", "\n> ")}`, "command"));
  if (block.expects.length) step.append(folding(element("summary", "", "What to expect"), codeBlock(block.expects.join("\n"), "expects")));
  if (block.lines.length) step.append(codeBlock(block.lines.join("\n"), "lines"));
  if (block.overlay) step.append(element("p", "quiet small", `Here the lab of this console runs ${block.overlay} of your copy. It is a temporary change: Undo brings back what ran before.`));
  if (block.kind === "fault") step.append(element("p", "", "This puts a fault into your copy, without showing it. Find it."));
  if (block.step) step.append(stepButtons(step, block), element("div", "came"));
  return block.kind === "solution" ? folding(element("summary", "", "The solution, as a change"), step) : step;
}

function folding(summary, content) {
  return withChildren(element("details", "folding"), summary, content);
}

function codeBlock(text, className) {
  const block = withChildren(element("pre", className), element("code", "", text));
  if (className === "output") block.tabIndex = 0; // it scrolls
  return block;
}

// stepWords are the words on the buttons of a step.
const stepWords = { commands: "Run", until: "Run", check: "Check", change: "Change the file", fault: "Break it", solution: "Apply the solution" };

function stepButtons(step, block) {
  const what = block.commands[0] ?? block.lines[0]?.replace(/^--- /, "") ?? "the copy";
  const buttons = element("p", "acts step-acts");
  const words = block.overlay ? "Run it in this lab" : stepWords[block.kind];
  const run = actButton(words, `${words}: ${what}`, () => doStep(step, ""), "act strong step-run");
  const stop = actButton("Stop", `Stop: ${what}`, () => lessonRun?.abort(), "act step-stop");
  stop.hidden = true;
  buttons.append(run, stop);
  if (block.kind === "change") buttons.append(actButton("I have changed it", `I have changed it: ${what}`, () => doStep(step, "look"), "act step-look"));
  if (block.kind !== "solution") buttons.append(actButton("Skip", `Skip: ${what}`, () => doStep(step, "skip"), "act step-skip"));
  return buttons;
}

// doStep has the lab do a step, and shows what came. Leaving the page, or Stop, ends the step.
async function doStep(step, how) {
  if (lessonRun) return toast("A step is running: wait for its end, or stop it.", true);
  const { number } = lessonNow;
  lessonRun = new AbortController();
  const inside = step.contains(document.activeElement);
  step.classList.add("running");
  step.querySelector(".step-stop").hidden = false;
  step.querySelector(".came").replaceChildren(element("p", "quiet", "Running …"));
  try {
    const outcome = await change("POST", `/api/lessons/${number}/steps/${step.dataset.step}${how && `?do=${how}`}`, undefined, { signal: lessonRun.signal });
    showOutcome(step, outcome, how);
    if (outcome.passed && lessonNow?.number === number) showNextStep(outcome.next);
    if (outcome.passed && inside) focusNextStep(outcome.next);
  } catch (error) {
    const words = error.name === "AbortError" ? "Stopped." : error.message;
    step.querySelector(".came").replaceChildren(element("p", "status bad", words));
    tell("lesson-said", words);
  } finally {
    lessonRun = null;
    step.classList.remove("running");
    step.querySelector(".step-stop").hidden = true;
  }
}

// showOutcome shows the output of a step, or how it differs from what the lesson expects.
function showOutcome(step, outcome, how) {
  const { kind } = step.dataset;
  const parts = [];
  const verdict = how === "skip" ? "skipped" : !outcome.passed ? "not as expected" : { change: "changed", fault: "broken", solution: "applied", check: "solved" }[kind] ?? "as expected";
  parts.push(withChildren(element("p", `status ${outcome.passed ? "good" : "bad"}`), verdict));
  if (outcome.reason) parts.push(element("p", "step-reason", outcome.reason));
  if (outcome.lines.length) parts.push(codeBlock(outcome.lines.join("\n"), "output"));
  if (outcome.difference.length) {
    parts.push(element("p", "quiet small", "− is missing, + is there instead"), differenceBlock(outcome.difference));
    const expected = step.querySelector(":scope > .folding");
    if (expected) expected.open = true;
  }
  if (outcome.cut) parts.push(element("p", "quiet small", `${plural(outcome.cut, "more line")} left out`));
  step.querySelector(".came").replaceChildren(...parts);
  step.querySelector(".came").scrollIntoView({ block: "nearest" });
  const differs = outcome.difference.filter((line) => !line.startsWith("  ")).slice(0, 3).map((line) => `${line.startsWith("-") ? "missing" : "came"}: ${line.slice(2)}`);
  tell("lesson-said", [`Step ${step.dataset.step}: ${verdict}`, outcome.reason, ...differs].filter(Boolean).join(". "));
}

function differenceBlock(lines) {
  const code = element("code");
  for (const line of lines) {
    const kind = { "- ": "missing", "+ ": "came-instead" }[line.slice(0, 2)] ?? "";
    code.append(element("span", kind, `${line.replace(/^- /, "− ")}\n`));
  }
  const block = withChildren(element("pre", "output"), code);
  block.tabIndex = 0;
  return block;
}

// showNextStep offers the buttons of the steps up to the next one; 0 means that all are done.
function showNextStep(next) {
  for (const step of byId("lesson-body").querySelectorAll(".step[data-step]")) {
    const number = Number(step.dataset.step);
    if (!number) continue;
    const later = next > 0 && number > next && step.dataset.kind !== "solution";
    step.classList.toggle("next", number === next);
    step.classList.toggle("past", next === 0 || number < next);
    step.querySelector(".step-acts").hidden = later || (step.dataset.kind === "solution" && next > 0 && number > next + 1);
    step.querySelector(".step-skip")?.toggleAttribute("hidden", number !== next);
    step.querySelector(".step-look")?.toggleAttribute("hidden", number !== next);
  }
  byId("lesson").classList.toggle("finished", next === 0 && lessonNow.steps > 0);
  if (next === 0 && lessonNow.steps > 0) tell("lesson-facts", `${lessonNow.minutes} minutes, with ${lessonNow.needs}, done`);
}

// focusNextStep moves the focus on, so that Enter after Enter walks through a lesson.
function focusNextStep(next) {
  const button = byId("lesson-body").querySelector(`.step[data-step="${next}"] .step-run`);
  (button ?? byId("lesson-title")).focus();
}

byId("lesson-close").addEventListener("click", () => {
  go("/");
  byId("lessons-open").focus();
});

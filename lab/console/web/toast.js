// A toast shows for some seconds what an action did, or why it failed. A screen reader reads it.

const toastFor = 6000; // ms

let toastTimer = 0;

function toast(words, failed = false) {
  const box = byId("toast");
  box.textContent = words;
  box.classList.toggle("failed", failed);
  box.classList.add("on");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    box.classList.remove("on");
    box.textContent = "";
  }, toastFor);
}

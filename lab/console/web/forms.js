// Forms in the drawer, whose values change the lab.

// driveForm returns a form with a heading, fields and buttons. submit gets its values by name.
function driveForm(title, fields, words, submit, ...more) {
  const form = element("form", "drive-form");
  form.autocomplete = "off";
  const group = withChildren(element("fieldset"), element("legend", "", title), withChildren(element("div", "drive-fields"), ...fields));
  const send = element("button", "act strong", words);
  group.append(withChildren(element("p", "acts"), send, ...more), troubleLine());
  form.append(group);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(Object.fromEntries(new FormData(form)), form);
  });
  return form;
}

function troubleLine() {
  const line = element("p", "trouble drive-trouble");
  line.role = "alert";
  line.hidden = true;
  return line;
}

function driveInput(label, name, value, hint = "", type = "text") {
  const box = Object.assign(element("input"), { name, value: value ?? "", placeholder: hint, type, spellcheck: false });
  if (type === "number") Object.assign(box, { min: 0, step: "any" });
  return withChildren(element("label", "", label), box);
}

const numberOf = (text) => (text.trim() === "" ? null : Number(text));

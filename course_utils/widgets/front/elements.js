// Makes elements of HTML and SVG. Texts are set as text, never as HTML.
function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function svg(tag, attributes = {}, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Of many buttons one is a stop of the Tab key, the one that had the focus last.
function oneStop(card, buttons) {
  const makeStop = (stop) => {
    for (const button of buttons()) button.tabIndex = button === stop ? 0 : -1;
  };
  card.addEventListener("focusin", (event) => {
    const button = event.target.closest("button");
    if (buttons().includes(button)) makeStop(button);
  });
  return makeStop;
}

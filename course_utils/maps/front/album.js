// Without WebGL: the images as a list, group by group, in place of the map.

const PER_GROUP = 300; // thumbnails shown of each group

/** Show only these images, or all. */
function fillAlbum(indices) {
  const wanted = indices && new Set(indices);
  const group = groupShown();
  get("album").replaceChildren(...about.groups[group].entries.flatMap((entry, number) => {
    const members = membersOf[group][number].filter((i) => !wanted || wanted.has(i));
    if (!members.length) return [];
    const shown = members.slice(0, PER_GROUP).map((i) => imageButton(i, 64, () => open(i)));
    const rest = members.length > PER_GROUP ? `, the first ${PER_GROUP} here` : "";
    return [
      make("h2", { textContent: `${shortName(entry)} · ${count(members.length)}${rest}` }),
      make("div", { className: "strip" }, ...shown),
    ];
  }));
}

/** Put the list where the map would be; the rest of the page works on. */
async function showAlbum() {
  await Promise.all(members.map((_, number) => loadSheet(number)));
  for (const id of ["lasso", "whole", "visible", "layouts"]) get(id).hidden = true;
  container.removeAttribute("role");
  container.removeAttribute("tabindex");
  container.setAttribute("aria-label", "Images by group");
  container.setAttribute("role", "group");
  container.append(make("div", { id: "album" }));
  document.addEventListener("chosen", () => fillAlbum(state.chosen));
  fillAlbum(null);
}

// Lists the overlapping texts of the page: each pair as two strings.
(() => {
  // seen returns the visible part of a box that the elements around it clip.
  const seen = (box, element) => {
    let { left, right, top, bottom } = box;
    for (let e = element; e && e !== document.body; e = e.parentElement) {
      const style = getComputedStyle(e);
      const around = e.getBoundingClientRect();
      if (style.overflowX !== "visible") [left, right] = [Math.max(left, around.left), Math.min(right, around.right)];
      if (style.overflowY !== "visible") [top, bottom] = [Math.max(top, around.top), Math.min(bottom, around.bottom)];
    }
    // The box of a font is higher than its letters, so boxes of narrow line spacing overlap harmlessly.
    const slack = (bottom - top) / 5;
    return { left, right, top: top + slack, bottom: bottom - slack };
  };

  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    const text = node.textContent.trim();
    if (!text || ["SCRIPT", "STYLE", "NOSCRIPT", "OPTION"].includes(element.tagName) || element.closest(".unseen, .skip, thead, noscript") || !element.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) texts.push({ node, text, ...seen(box, element) });
  }

  const pairs = [];
  texts.forEach((a, place) => {
    for (const b of texts.slice(place + 1)) {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (a.node !== b.node && wide > 1 && high > 1) pairs.push([a.text, b.text]);
    }
  });
  return pairs;
})()

// Lists the texts of the page whose contrast with their background is less than WCAG 2.2 requires: 4.5, or 3 for large text.
(() => {
  const parse = (color) => {
    const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  // over returns a colour seen through another: WCAG measures the visible colour.
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const ground = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      layers.push(parse(getComputedStyle(e).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    if (layers.at(-1)[3] < 1) layers.push(parse(getComputedStyle(document.documentElement).colorScheme === "dark" ? "rgb(0,0,0)" : "rgb(255,255,255)"));
    return layers.reduceRight((below, layer) => over(layer, below));
  };
  const luminance = ([r, g, b]) => {
    const [R, G, B] = [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  const opacity = (element) => {
    let all = 1;
    for (let e = element; e; e = e.parentElement) all *= Number(getComputedStyle(e).opacity);
    return all;
  };

  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || ["SCRIPT", "STYLE", "NOSCRIPT"].includes(element.tagName) || element.closest(".unseen, .skip, noscript") || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const behind = ground(element);
    const [r, g, b, a] = parse(style.color);
    const color = over([r, g, b, a * opacity(element)], behind);
    const [lighter, darker] = [luminance(color), luminance(behind)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const [ratio, want] = [(lighter + 0.05) / (darker + 0.05), large ? 3 : 4.5];
    if (ratio < want) faint.push({ text, color: style.color, ground: `rgb(${behind.slice(0, 3).map(Math.round)})`, ratio, want });
  }
  return faint;
})()

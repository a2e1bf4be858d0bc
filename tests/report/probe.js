const numbers = (css) => { const found = css.match(/-?[\d.]+(e-?\d+)?/g).map(Number); return css.startsWith("color(") ? [found[0]*255, found[1]*255, found[2]*255, found[3] ?? 1] : [found[0], found[1], found[2], found[3] ?? 1]; };
const over = (front, back) => front.slice(0, 3).map((c, k) => c * front[3] + back[k] * (1 - front[3]));
const luminance = (rgb) => { const [r, g, b] = rgb.map((c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const behind = (element) => { const layers = []; for (let at = element; at; at = at.parentElement) { const colour = numbers(getComputedStyle(at).backgroundColor); if (colour[3] > 0) { layers.push(colour); if (colour[3] === 1) break; } } return layers.reverse().reduce((back, front) => over(front, back), [255, 255, 255]); };
const words = [...document.querySelectorAll(".sheet")].map((sheet) => sheet.innerText + " " + [...sheet.querySelectorAll("svg text")].map((t) => t.textContent).join(" "));
document.querySelectorAll("details").forEach((one) => { one.open = true; });
const faint = []; let least = 99, seen = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
  if (!text || ["STYLE", "SCRIPT", "TITLE"].includes(element.tagName.toUpperCase())) continue;
  if (!element.getClientRects().length) continue;
  const style = getComputedStyle(element), back = behind(element);
  const ink = over(numbers(element.namespaceURI.endsWith("svg") ? style.fill : style.color), back);
  const [low, high] = [luminance(ink), luminance(back)].sort((a, b) => a - b);
  const ratio = (high + 0.05) / (low + 0.05);
  seen += 1; least = Math.min(least, ratio);
  if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${text.slice(0, 40)}`);
}
const cut = [...document.querySelectorAll("th, td, p, li, h1, h2, h3, figure, dd")].filter((one) => { const box = one.getBoundingClientRect(); return box.width > 1.5 && box.height > 1.5 && (box.right > innerWidth + 1 || box.left < -1); }).map((one) => `${one.tagName} ${one.closest("section")?.id} ${one.textContent.trim().slice(0, 40)}`);
const report = document.createElement("pre"); report.id = "found"; const top_page = window.parent.document;
report.textContent = JSON.stringify({ width: innerWidth, whole: document.documentElement.scrollWidth, words, faint, least, seen, cut, paper: behind(document.body) });
top_page.body.append(report);

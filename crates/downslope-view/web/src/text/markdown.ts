// How does a lesson's text become a page? Paragraphs, lists, listings, emphasis, code, links and `$formulas$`; whatever
// else stands in a lesson is shown as text. Everything is escaped first, so a lesson cannot bring a script.

import { formula } from "./formula";

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Text within a line. */
export function inline(text: string): string {
  const kept: string[] = [];
  const keep = (html: string): string => `\u0001${kept.push(html) - 1}\u0001`;
  let result = text
    .replace(/`([^`]+)`/g, (_, code: string) => keep(`<code>${escaped(code)}</code>`))
    .replace(/\\\$/g, () => keep("$"))
    .replace(/\$\$?([^$\n]+)\$\$?/g, (_, tex: string) => keep(formula(tex)));
  result = escaped(result)
    .replace(/\[([^\]]+)\]\((https?:[^)\s]+)\)/g, (_, words: string, url: string) => `<a href="${url}" rel="noreferrer">${words}</a>`)
    .replace(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>")
    .replace(/(^|[^\w*])\*([^*\s][^*]*)\*/g, "$1<em>$2</em>")
    .replace(/(^|[^\w_])_([^_\s][^_]*)_(?!\w)/g, "$1<em>$2</em>");
  return result.replace(/\u0001(\d+)\u0001/g, (_, index: string) => kept[Number(index)] ?? "");
}

/** Paragraphs, lists, listings, quotes and headings. */
export function blocks(text: string): string {
  const lines = text.replaceAll("\r", "").split("\n");
  const html: string[] = [];
  for (let i = 0; i < lines.length; ) {
    const line = lines[i]!;
    const fence = /^(```|~~~)/.exec(line);
    const item = /^\s*(?:[-*+]|(\d+)[.)])\s+/.exec(line);
    const heading = /^(#{1,6})\s+(.*)/.exec(line);
    if (!line.trim()) {
      i++;
    } else if (fence) {
      const start = ++i;
      while (i < lines.length && !lines[i]!.startsWith(fence[1]!)) i++;
      html.push(`<pre tabindex="0"><code>${escaped(lines.slice(start, i++).join("\n"))}</code></pre>`);
    } else if (heading) {
      html.push(`<h3>${inline(heading[2]!)}</h3>`);
      i++;
    } else if (item) {
      const tag = item[1] ? "ol" : "ul";
      const items: string[] = [];
      for (; i < lines.length && lines[i]!.trim(); i++) {
        const own = /^\s*(?:[-*+]|\d+[.)])\s+(.*)/.exec(lines[i]!);
        if (own) items.push(own[1]!);
        else items[items.length - 1] += ` ${lines[i]!.trim()}`;
      }
      html.push(`<${tag}>${items.map((text) => `<li>${inline(text)}</li>`).join("")}</${tag}>`);
    } else {
      const start = i;
      while (i < lines.length && lines[i]!.trim() && !/^(```|~~~|\s*[-*+]\s|#{1,6}\s)/.test(lines[i]!)) i++;
      if (i === start) i++;
      const words = lines.slice(start, i).map((line) => line.replace(/^>\s?/, "")).join(" ");
      html.push(line.startsWith(">") ? `<blockquote>${inline(words)}</blockquote>` : `<p>${inline(words)}</p>`);
    }
  }
  return html.join("");
}

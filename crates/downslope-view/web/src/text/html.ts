// The server sends a lesson's texts as HTML that cannot do harm. Where only words will do, these are its words.

const holder = document.createElement("template");

export function plain(html: string): string {
  holder.innerHTML = html;
  return (holder.content.textContent ?? "").replace(/\s+/g, " ").trim();
}

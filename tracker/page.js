// The server renders the page; this only fetches it again every two seconds and puts the new <main> in place, so
// that there is one renderer and what peers say is never handled as markup here.
const live = document.getElementById("live");
async function refresh() {
  try {
    const answer = await fetch("/", { signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(answer.statusText);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    const main = document.querySelector("main");
    if (getSelection().isCollapsed && fresh) {
      const at = main.querySelector(".log ol")?.scrollTop ?? 0;
      main.replaceWith(fresh);
      fresh.querySelector(".log ol")?.scrollTo(0, at);
    }
    live.hidden = true;
  } catch {
    live.hidden = false;
  }
  setTimeout(refresh, document.hidden ? 10000 : 2000);
}
setTimeout(refresh, 2000);

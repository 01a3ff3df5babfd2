/** Files under a message: pictures inline, anything else as a download row. */
import { h } from "./dom.js";
import { section } from "./state.js";

/** Where the picture of an image block or element is. @param {any} image */
export const sourceOf = (image) => image.image_url ?? image.slack_file?.url ?? section("pictures")?.[image.slack_file?.id] ?? "";

/** @param {any} file as Slack's file object @returns {HTMLElement} */
export function fileNode(file) {
  return file.mimetype.startsWith("image/") ? shownPicture(file) : row(file);
}

/** @param {any} file */
function shownPicture(file) {
  return h("figure", { class: "block-image", data: { file: file.id } }, h("figcaption", {}, file.title),
    h("img", { src: file.url_private, alt: file.title, loading: "lazy" }));
}

/** @param {any} file */
function row(file) {
  return h("div", { class: "file", data: { file: file.id } },
    h("span", { class: "file-kind", "aria-hidden": "true" }, file.filetype),
    h("span", { class: "file-name" }, h("strong", {}, file.title), h("span", { class: "choice-description" }, `${file.name} · ${size(file.size)}`)),
    h("a", { class: "button", href: file.url_private_download, download: file.name, "aria-label": `Download ${file.title}` }, "Download"));
}

/** @param {number} bytes */
const size = (bytes) => (bytes < 1024 ? `${bytes} bytes` : `${(bytes / 1024).toFixed(1)} kB`);

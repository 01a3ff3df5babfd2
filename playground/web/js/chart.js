/** The data_visualization block: pie, bar, line and area, drawn as SVG, with its numbers as a table for readers.
 * https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block */
import { h } from "./dom.js";

const WIDTH = 520;
const HEIGHT = 200;
const EDGE = { left: 40, right: 8, top: 8, bottom: 24 };

/** @param {string} tag @param {Record<string, any>} facts @param {...(Node | string)} children */
function svg(tag, facts, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(facts)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/** @param {any} block @returns {HTMLElement} */
export function chart(block) {
  const { type, segments } = block.chart;
  const rows = type === "pie" ? segments.map((each) => [each.label, each.value]) : seriesRows(block.chart);
  const names = type === "pie" ? rows.map(([label]) => label) : block.chart.series.map((each) => each.name);
  return h("figure", { class: "block-chart" },
    h("figcaption", {}, String(block.title ?? "")),
    type === "pie" ? pie(segments) : axes(block.chart),
    ...axisNames(block.chart.axis_config),
    h("div", { class: "legend" }, ...names.map((name, place) => h("span", { class: `legend-entry colour-${tone(name, place)}` }, name))),
    h("table", { class: "for-readers" }, ...rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell))))));
}

/** The labels of the axes. @param {any} config */
function axisNames(config) {
  return [["↑", config?.y_label], ["→", config?.x_label]].filter(([, name]) => name)
    .map(([arrow, name]) => h("div", { class: "axis-name" }, h("span", { "aria-hidden": "true" }, `${arrow} `), name));
}

/** Colors of results by name; other names take the palette in order. */
const RESULTS = { succeeded: "good", success: "good", failed: "bad", aborted: "gray", skipped: "gray-light" };

/** @param {string} name such as `Failed 6` @param {number} place */
const tone = (name, place) => RESULTS[String(name).split(" ")[0].toLowerCase()] ?? place % 8;

const labelOf = (category) => (typeof category === "object" ? category.label : category);

/** @param {any} chart @returns {(string | number)[][]} label, then the value of each series */
function seriesRows(chart) {
  const labels = chart.axis_config?.categories?.map(labelOf) ?? chart.series[0].data.map((point) => point.label);
  const valueAt = (series, label) => series.data.find((point) => point.label === label)?.value ?? 0;
  return labels.map((label) => [label, ...chart.series.map((series) => valueAt(series, label))]);
}

/** @param {any[]} segments */
function pie(segments) {
  const whole = segments.reduce((sum, each) => sum + each.value, 0) || 1;
  const [centre, radius] = [HEIGHT / 2, HEIGHT / 2 - 6];
  let from = -Math.PI / 2;
  const slices = segments.map((each, place) => {
    const to = from + (each.value / whole) * 2 * Math.PI;
    const at = (angle) => `${centre + radius * Math.cos(angle)},${centre + radius * Math.sin(angle)}`;
    const path = segments.length === 1
      ? svg("circle", { cx: centre, cy: centre, r: radius, class: `colour-${tone(each.label, 0)}` })
      : svg("path", { d: `M${centre},${centre} L${at(from)} A${radius},${radius} 0 ${to - from > Math.PI ? 1 : 0} 1 ${at(to)} Z`, class: `colour-${tone(each.label, place)}` });
    path.append(svg("title", {}, `${each.label}: ${each.value}`));
    from = to;
    return path;
  });
  return svg("svg", { viewBox: `0 0 ${HEIGHT} ${HEIGHT}`, class: "chart-pie", "aria-hidden": "true" }, ...slices);
}

/** @param {any} chart */
function axes(chart) {
  const rows = seriesRows(chart);
  const most = Math.max(1, ...rows.flatMap((row) => row.slice(1).map(Number)));
  const [across, down] = [WIDTH - EDGE.left - EDGE.right, HEIGHT - EDGE.top - EDGE.bottom];
  const x = (place) => EDGE.left + (across * (place + 0.5)) / rows.length;
  const y = (value) => EDGE.top + down * (1 - value / most);
  const marks = [0, 0.5, 1].flatMap((share) => [
    svg("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(most * share), y2: y(most * share), class: "grid" }),
    svg("text", { x: EDGE.left - 6, y: y(most * share) + 4, class: "axis axis-y" }, rounded(most * share)),
  ]);
  const every = Math.ceil(rows.length / 5);
  const labels = rows.filter((_, place) => place % every === 0).map(([label], index) =>
    svg("text", { x: x(index * every), y: HEIGHT - 6, class: "axis axis-x" }, String(label)));
  const drawn = chart.series.flatMap((_, series) => (chart.type === "bar" ? bars : line)({ chart, rows, series, x, y, across }));
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart-axes", "aria-hidden": "true" }, ...marks, ...drawn, ...labels);
}

const rounded = (value) => (value >= 10 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1));

/** @param {any} how */
function bars({ chart, rows, series, x, y, across }) {
  const wide = Math.min(36, (across / rows.length) * 0.8 / chart.series.length);
  const shift = (series - chart.series.length / 2) * wide;
  return rows.map((row, place) => svg("rect", {
    x: x(place) + shift, y: y(row[series + 1]), width: wide - 1, height: Math.max(0, y(0) - y(row[series + 1])), class: `colour-${tone(chart.series[series].name, series)}`,
  }, svg("title", {}, `${row[0]}: ${row[series + 1]}`)));
}

/** @param {any} how */
function line({ chart, rows, series, x, y }) {
  const points = rows.map((row, place) => `${x(place)},${y(row[series + 1])}`).join(" ");
  const under = `${x(0)},${y(0)} ${points} ${x(rows.length - 1)},${y(0)}`;
  return [
    ...(chart.type === "area" ? [svg("polygon", { points: under, class: `area colour-${tone(chart.series[series].name, series)}` })] : []),
    svg("polyline", { points, class: `line stroke-${tone(chart.series[series].name, series)}` }),
  ];
}

/** Emoji names as characters; an unknown name stays text. */

/** @type {Record<string, string>} */
const KNOWN = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", hourglass: "⌛", hourglass_flowing_sand: "⏳",
  large_blue_circle: "🔵", blue_circle: "🔵", large_orange_circle: "🟠", large_green_circle: "🟢", red_circle: "🔴",
  white_circle: "⚪", black_circle: "⚫", stop_button: "⏹️", black_square_for_stop: "⏹️", arrow_forward: "▶️",
  next_track_button: "⏭️", black_right_pointing_double_triangle_with_vertical_bar: "⏭️", rocket: "🚀", tada: "🎉",
  bell: "🔔", no_bell: "🔕", lock: "🔒", unlock: "🔓", key: "🔑", gear: "⚙️", wrench: "🔧", hammer: "🔨",
  link: "🔗", iphone: "📱", robot_face: "🤖", package: "📦", memo: "📝", mag: "🔍", eyes: "👀", wave: "👋",
  thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎", fire: "🔥", bug: "🐛", bulb: "💡", question: "❓",
  grey_question: "❔", exclamation: "❗", information_source: "ℹ️", arrows_counterclockwise: "🔄", repeat: "🔁",
  chart_with_upwards_trend: "📈", bar_chart: "📊", stopwatch: "⏱️", alarm_clock: "⏰", calendar: "📅", smile: "😄",
  slightly_smiling_face: "🙂", sweat_smile: "😅", thinking_face: "🤔", no_entry: "⛔", no_entry_sign: "🚫", sos: "🆘",
};

/** @param {string} name @returns {string | null} */
export const emoji = (name) => KNOWN[name.split("::")[0]] ?? null;

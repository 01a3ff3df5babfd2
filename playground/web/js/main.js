/** Assemble the page and select the person. */
import { sitDown } from "./api.js";
import { watchBitrise } from "./bitrise.js";
import { runClocks } from "./buildclock.js";
import { watchConversation } from "./conversation.js";
import { watchGuide } from "./guide.js";
import { leaveHome } from "./home.js";
import { watchModals } from "./modal.js";
import { watchPlayer } from "./play.js";
import { isOfHere, openLink } from "./place.js";
import { watchSidebar } from "./sidebar.js";
import { here, openChannel, readAddress, watch } from "./state.js";
import { applyTheme } from "./theme.js";
import { watchThread } from "./thread.js";
import { watchTop } from "./top.js";
import { watchWelcome } from "./welcome.js";

applyTheme();
readAddress();
watchTop();
watchWelcome();
watchPlayer();
watchGuide();
watchSidebar();
watchConversation();
watchThread();
watchModals();
watchBitrise();
runClocks();
watch(["here"], () => {
  if (!openChannel()?.is_direct || here.tab !== "home") leaveHome();
});

// Links in messages to other machines are disabled.
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[href^='http']") : null;
  if (link && !isOfHere(link.href) && !link.dataset.leaves) {
    event.preventDefault();
    openLink(link.href);
  }
});

sitDown(here.person || "ana");

// SPDX-License-Identifier: Apache-2.0
// What a script adds to pages that work without one: relative times that stay true, pages that refresh
// in place, forms that are not sent twice.
"use strict";

/** Puts `fresh` where `current` is. Who was in it by keyboard stays: on the same control, or, where that is
 *  gone, at the beginning of the part. */
function exchange(current, fresh) {
	const controls = "a[href], button, summary, input, select, textarea";
	const at = [...current.querySelectorAll(controls)].indexOf(document.activeElement);
	const inside = current.contains(document.activeElement);
	const before = document.activeElement;
	current.replaceWith(fresh);
	if (!inside)
		return;
	const twin = [...fresh.querySelectorAll(controls)][at];
	if (twin !== undefined && twin.textContent === before.textContent) {
		twin.focus({ preventScroll: true });
	} else {
		fresh.tabIndex = -1;
		fresh.focus({ preventScroll: true });
	}
}

/** Pages that change by themselves carry data-refresh="seconds" on the part that changes. Without a
 *  script the page loads anew by its "Refresh" header; here only the part is exchanged, so that
 *  scrolling, focus and selection stay. */
function startRefresh() {
	const part = document.querySelector("[data-refresh]");
	if (part === null)
		return;
	const status = document.getElementById("live");
	let paused = false;
	let failures = 0;

	function say(key) {
		if (status === null)
			return;
		status.textContent = status.dataset[key] ?? "";
		status.dataset.state = key;
	}

	async function refresh() {
		const current = document.getElementById(part.id);
		const seconds = Number(current.dataset.refresh);
		if (!(seconds > 0)) {
			say("ended");
			document.querySelector("[data-pause]")?.remove();
			return;
		}
		if (!paused && !document.hidden) {
			try {
				const answer = await fetch(location.href, { headers: { accept: "text/html" } });
				if (answer.redirected) {
					location.reload();
					return;
				}
				if (!answer.ok)
					throw new Error(String(answer.status));
				const page = new DOMParser().parseFromString(await answer.text(), "text/html");
				const fresh = page.getElementById(part.id);
				if (fresh !== null && fresh.innerHTML !== current.innerHTML)
					exchange(current, document.adoptNode(fresh));
				failures = 0;
				say("on");
				showAges();
			} catch {
				failures++;
				say("off");
			}
		}
		setTimeout(refresh, Math.min(60, seconds * 2 ** failures) * 1000);
	}

	document.querySelector("[data-pause]")?.addEventListener("click", (event) => {
		const button = event.currentTarget;
		paused = !paused;
		button.setAttribute("aria-pressed", String(paused));
		button.textContent = paused ? button.dataset.resume : button.dataset.pause;
		say(paused ? "paused" : "on");
	});
	document.querySelector("[data-pause]")?.removeAttribute("hidden");
	say("on");
	setTimeout(refresh, Number(part.dataset.refresh) * 1000);
}

/** The unit that an age of so many seconds is told in, and its length; null: not in words any more. */
function unitOf(age) {
	if (age < 45 || age >= 86400 * 14)
		return null;
	return age < 3600 ? ["minute", 60] : age < 86400 ? ["hour", 3600] : ["day", 86400];
}

/** <time data-age> shows an age. While its unit stays, only the figure in the server's words changes. */
function showAges() {
	const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { style: "short" });
	for (const time of document.querySelectorAll("time[data-age]")) {
		const age = (Date.now() - Date.parse(time.dateTime)) / 1000;
		const unit = unitOf(age);
		if (unit === null)
			continue;
		const figure = unit[0] === "minute" ? Math.round(age / 60) : Math.floor(age / unit[1]);
		if (time.dataset.unit === undefined)
			time.dataset.unit = unit[0];
		else if (time.dataset.unit === unit[0] && /\d/.test(time.textContent))
			time.textContent = time.textContent.replace(/\d+/, String(figure));
		else
			time.textContent = words.format(-figure, unit[0]);
	}
}

/** A second click while the answer is on its way does nothing; coming back makes the form usable again. */
function guardForms() {
	for (const form of document.querySelectorAll("form[method=post]")) {
		form.addEventListener("submit", (event) => {
			if (form.ariaBusy === "true")
				event.preventDefault();
			form.ariaBusy = "true";
		});
	}
	window.addEventListener("pageshow", () => {
		for (const form of document.querySelectorAll("form[aria-busy]"))
			form.ariaBusy = null;
	});
}

/** Filters apply when one is chosen; without script there is a button. */
function startFilters() {
	for (const form of document.querySelectorAll("form[data-filter]")) {
		for (const select of form.querySelectorAll("select"))
			select.addEventListener("change", () => form.requestSubmit());
		form.addEventListener("submit", () => {
			for (const field of form.querySelectorAll("input, select"))
				field.disabled = field.value === "";
		});
	}
	window.addEventListener("pageshow", () => {
		for (const field of document.querySelectorAll("form[data-filter] :disabled"))
			field.disabled = false;
	});
}

/** "/" goes to the search field. */
function startKeys() {
	document.addEventListener("keydown", (event) => {
		if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey ||
			event.target.closest("input, select, textarea") !== null)
			return;
		const search = document.querySelector("input[type=search]");
		if (search !== null) {
			event.preventDefault();
			search.focus();
		}
	});
}

startRefresh();
guardForms();
startFilters();
startKeys();
showAges();
setInterval(showAges, 30000);

// SPDX-License-Identifier: Apache-2.0
// Makes the sites' static files: one style sheet, one script, one sprite of icons, under hashed names,
// and a C header with these names.
//
//   node build.mjs SOURCE NODE_MODULES OUT HEADER
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const [source, modules, out, header] = process.argv.slice(2);
if (header === undefined) {
	console.error("usage: node build.mjs SOURCE NODE_MODULES OUT HEADER");
	process.exit(64);
}

/** Writes a file under its hashed name (and packed, where that pays); returns the name. */
function put(name, ending, text) {
	const hash = createHash("sha256").update(text).digest("hex").slice(0, 12);
	const file = `${name}.${hash}.${ending}`;
	writeFileSync(join(out, file), text);
	const packed = gzipSync(text, { level: 9 });
	if (packed.length < text.length * 0.9)
		writeFileSync(join(out, `${file}.gz`), packed);
	return file;
}

/** The policy allows no data: addresses, so each picture inside a style sheet becomes a file. */
function extractPictures(css) {
	return css.replace(/url\("data:image\/svg\+xml,([^"]*)"\)/g,
		(_, svg) => `url("${put("picture", "svg", decodeURIComponent(svg))}")`);
}

function makeSprite() {
	const names = readFileSync(join(source, "icons.txt"), "utf8").split("\n").filter(Boolean);
	const symbols = names.map((name) => {
		const svg = readFileSync(join(modules, "bootstrap-icons/icons", `${name}.svg`), "utf8");
		const inside = svg.replace(/^<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").replace(/\s*\n\s*/g, "");
		return `<symbol id="${name}" viewBox="0 0 16 16">${inside}</symbol>`;
	});
	return `<svg xmlns="http://www.w3.org/2000/svg" fill="currentColor">${symbols.join("")}</svg>`;
}

/** White space and comments of our own files; not a minifier. */
function shorten(text) {
	return text.replace(/\/\*[^]*?\*\//g, "").replace(/^\s+/gm, "").replace(/\n+/g, "\n");
}

mkdirSync(out, { recursive: true });
for (const file of readdirSync(out))
	rmSync(join(out, file));

const pico = readFileSync(join(modules, "@picocss/pico/css/pico.min.css"), "utf8").replace(/^@charset "UTF-8";/, "");
const style = readFileSync(join(source, "app.css"), "utf8");
const script = readFileSync(join(source, "app.js"), "utf8");
const names = {
	STYLE: put("app", "css", `@charset "UTF-8";${extractPictures(pico)}\n${shorten(style)}`),
	SCRIPT: put("app", "js", script),
	ICONS: put("icons", "svg", makeSprite()),
	FAVICON: put("favicon", "svg", readFileSync(join(source, "favicon.svg"), "utf8").trim()),
};
writeFileSync(join(out, "robots.txt"), "User-agent: *\nDisallow: /\n");

const lines = Object.entries(names).map(([name, file]) => `#define ASSET_${name} "/static/${file}"`);
writeFileSync(header, `/* Made by static/build.mjs. */
#ifndef FLEETPORT_STATIC_ASSETS_H
#define FLEETPORT_STATIC_ASSETS_H

${lines.join("\n")}

#endif
`);

// SPDX-License-Identifier: Apache-2.0
// Serves the gallery's pages and the static files as the sites do: same policy, same addresses.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";

const types = { ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8" };

// The same as web/response.c sends; sites.test.mjs compares it with what the live sites send.
export const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/** Listens on a free port of the loopback; the answer is {url, close}. */
export async function serve(pages, statics) {
	const server = createServer(async (request, response) => {
		const path = new URL(request.url, "http://x").pathname;
		const file = path.startsWith("/static/") ? join(statics, path.slice(8)) : join(pages, `${path.slice(1)}.html`);
		try {
			if (path.includes(".."))
				throw new Error("no");
			const body = await readFile(file);
			response.writeHead(200, {
				"content-type": types[extname(file)] ?? "application/octet-stream",
				"content-security-policy": policy,
				"cross-origin-embedder-policy": "require-corp",
				"x-content-type-options": "nosniff",
			});
			response.end(body);
		} catch {
			response.writeHead(404, { "content-type": "text/plain" });
			response.end("not found\n");
		}
	});
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	return {
		url: `http://127.0.0.1:${server.address().port}`,
		close: () => new Promise((done) => server.close(done)),
	};
}

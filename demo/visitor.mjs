// SPDX-License-Identifier: Apache-2.0
// A person's browser without script: cookies, redirects, plain HTML forms. For `./dev up` (is the demo on the
// pages?) and for tests.

import https from 'node:https';

const entities = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'", '#34': '"' };
const unescape = (text) => text.replace(/&(#?\w+);/g, (whole, name) => entities[name] ?? whole);

function attributes(tag) {
	const found = {};
	for (const [, name, value] of tag.matchAll(/([\w-]+)(?:="([^"]*)")?/g)) found[name.toLowerCase()] = unescape(value ?? '');
	return found;
}

// The forms of a page: [{method, action, fields}] with the values they would send as they stand.
export function forms(html) {
	return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, tag, inner]) => {
		const fields = {};
		for (const [, input] of inner.matchAll(/<input\b([^>]*)>/g)) {
			const { name, value = '', type = 'text', checked } = attributes(input);
			if (name && ((type !== 'checkbox' && type !== 'radio') || checked !== undefined)) fields[name] = value;
		}
		for (const [, select, options] of inner.matchAll(/<select\b([^>]*)>([\s\S]*?)<\/select>/g)) {
			const all = [...options.matchAll(/<option\b([^>]*)>/g)].map(([, option]) => attributes(option));
			fields[attributes(select).name] = (all.find((option) => 'selected' in option) ?? all[0])?.value ?? '';
		}
		for (const [, area, text] of inner.matchAll(/<textarea\b([^>]*)>([\s\S]*?)<\/textarea>/g)) fields[attributes(area).name] = unescape(text);
		const { method = 'get', action = '' } = attributes(tag);
		return { method: method.toUpperCase(), action, fields };
	});
}

export class Visitor {
	// url: https://user.localhost:8443; connect: 127.0.0.1:8443; ca: PEM
	constructor({ url, connect, ca }) {
		const [address, port] = connect.split(':');
		Object.assign(this, { origin: url, host: new URL(url).hostname, address, port: Number(port), ca });
		this.cookies = new Map();
		this.agent = new https.Agent({ keepAlive: true });
	}

	close() {
		this.agent.destroy();
	}

	// One request, no redirect followed. → {status, headers, body, path}
	request(method, path, { body, headers = {} } = {}) {
		return new Promise((resolve, reject) => {
			const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
			const request = https.request({
				host: this.address, port: this.port, method, path, ca: this.ca, servername: this.host, agent: this.agent, timeout: 20000,
				headers: { Host: new URL(this.origin).host, ...(cookie ? { Cookie: cookie } : {}), ...headers },
			}, (answer) => {
				const parts = [];
				for (const line of answer.headers['set-cookie'] ?? []) this.keep(line);
				answer.on('data', (part) => parts.push(part));
				answer.on('error', reject);
				answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts).toString(), path }));
			});
			request.on('timeout', () => request.destroy(new Error('timeout')));
			request.on('error', reject);
			request.end(body);
		});
	}

	keep(line) {
		const [pair, ...rest] = line.split(';');
		const at = pair.indexOf('=');
		const name = pair.slice(0, at).trim();
		if (/^max-age=0$/i.test(rest.find((part) => /^\s*max-age=/i.test(part))?.trim() ?? '')) this.cookies.delete(name);
		else this.cookies.set(name, pair.slice(at + 1));
	}

	async get(path) {
		let answer = await this.request('GET', path);
		for (let hops = 0; hops < 5 && [301, 302, 303, 307, 308].includes(answer.status); hops++) {
			answer = await this.request('GET', new URL(answer.headers.location, this.origin + answer.path).href.slice(this.origin.length));
		}
		return answer;
	}

	// A form as a browser sends it; the redirect after it is followed.
	async send({ action, fields }, { headers = {}, follow = true } = {}) {
		const answer = await this.request('POST', action, {
			body: new URLSearchParams(fields).toString(),
			headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: this.origin, 'Sec-Fetch-Site': 'same-origin', ...headers },
		});
		if (!follow || answer.status !== 303) return answer;
		return this.get(new URL(answer.headers.location, this.origin + action).href.slice(this.origin.length));
	}

	// The page that "/" leads a stranger to has one form with name and password.
	async signIn(name, password) {
		const page = await this.get('/');
		const form = forms(page.body).find(({ fields }) => 'name' in fields && 'password' in fields);
		if (!form) throw new Error(`no form to sign in at ${this.origin} (status ${page.status})`);
		const answer = await this.send({ ...form, fields: { ...form.fields, name, password } });
		return { ...answer, ok: answer.status === 200 && !forms(answer.body).some(({ fields }) => 'password' in fields) };
	}
}

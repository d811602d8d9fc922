// SPDX-License-Identifier: Apache-2.0
// The one port: what nginx, the stream splitter and the broker's door do before a program of ours is asked.

import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';

import { assert, demo, dispatchIdentity, gone, instance, ready, run, until, visitor, wire } from './harness.mjs';

// A TLS connection with these ALPN names. → {protocol, end}
const connect = (options) => new Promise((resolve, reject) => {
	const socket = tls.connect({ host: '127.0.0.1', port: instance.port, ca: instance.ca, servername: 'agents.localhost', ...options },
		() => resolve(socket));
	socket.on('error', reject);
});

test('HTTPS and MQTT share one port, told apart by ALPN alone', async () => {
	const browser = await connect({ ALPNProtocols: ['h2', 'http/1.1'] });
	assert.equal(browser.alpnProtocol, 'h2');
	browser.destroy();
	const { key, certificate: cert } = dispatchIdentity();
	const agent = await connect({ ALPNProtocols: ['mqtt'], key, cert });
	assert.equal(agent.alpnProtocol, false); // the broker names none
	// CONNECT of MQTT 5, clean start; the broker knows us by the certificate alone
	agent.write(Buffer.from('100d00044d51545405020000000000', 'hex'));
	const [type] = await new Promise((resolve) => { agent.once('data', resolve); });
	assert.equal(type, 0x20); // CONNACK
	agent.destroy();
});

test('a list of names that only contains mqtt does not reach the broker', async () => {
	const socket = await connect({ ALPNProtocols: ['mqtt', 'http/1.1'] });
	assert.equal(socket.alpnProtocol, 'http/1.1');
	socket.destroy();
});

test('TLS 1.1 is refused', async () => {
	await assert.rejects(connect({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
});

test('a name that is not ours gets no site', async () => {
	const link = wire();
	link.host = 'elsewhere.localhost';
	const answer = await link.request('GET', '/', { agent: undefined }).catch((error) => error);
	assert.ok(answer instanceof Error || answer.status === 421);
});

test('plain HTTP is sent to HTTPS', async () => {
	const answer = await new Promise((resolve, reject) => {
		http.get({ host: '127.0.0.1', port: instance.port, path: '/devices', headers: { Host: `user.localhost:${instance.port}` } }, resolve).on('error', reject);
	});
	answer.resume();
	assert.equal(answer.statusCode, 308);
	assert.equal(answer.headers.location, `${demo.user.url}/devices`);
});

test('both sites send every security header, once', async () => {
	for (const site of ['user', 'support']) {
		const { headers } = await visitor(site).get('/');
		for (const [name, value] of [['strict-transport-security', /max-age=\d{8}/], ['x-content-type-options', /^nosniff$/],
			['referrer-policy', /./], ['content-security-policy', /^default-src 'none'/], ['cache-control', /no-store/]]) {
			assert.match(headers[name] ?? '', value, `${site}: ${name}`);
			assert.doesNotMatch(headers[name], /,.*(nosniff|max-age)/, `${site}: ${name} comes once`);
		}
		assert.doesNotMatch(headers.server ?? '', /\d/, 'no version is told');
	}
});

test('static files are for ever, and come packed', async () => {
	const me = visitor();
	const { body } = await me.get('/');
	const [file] = /\/static\/[^"]+\.css/.exec(body) ?? [];
	assert.ok(file, 'the page has a style sheet');
	const answer = await me.request('GET', file, { headers: { 'Accept-Encoding': 'gzip' } });
	assert.equal(answer.status, 200);
	assert.match(answer.headers['cache-control'], /max-age=31536000, immutable/);
	assert.equal(answer.headers['content-encoding'], 'gzip');
	assert.equal((await me.get('/static/nothing.css')).status, 404);
	assert.equal((await me.get('/static/../etc/fleetport.conf')).status >= 400, true);
});

test('a header that pretends another address or host changes nothing', async () => {
	const me = visitor();
	const honest = await me.get('/');
	const answer = await me.request('GET', honest.path, { headers: { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Host': 'evil.example', Forwarded: 'host=evil.example' } });
	assert.equal(answer.status, 200);
	assert.doesNotMatch(answer.body, /evil\.example/);
});

test('a request that is cut off half-way is dropped, and the next one is answered', async () => {
	for (const piece of ['POST /session HTTP/1.1\r\nHost: user.localhost\r\nContent-Le',
		'POST /session HTTP/1.1\r\nHost: user.localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n\r\nname=a']) {
		const socket = await connect({ servername: 'user.localhost' });
		await new Promise((resolve) => { socket.write(piece, resolve); });
		socket.destroy();
	}
	assert.equal((await visitor().get('/')).status, 200);
});

test('a body or an address beyond the limit is refused with a page of ours, not cut', async () => {
	const large = await visitor().request('POST', '/session', {
		body: `name=${'a'.repeat(300 * 1024)}`, headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: demo.user.url },
	});
	const long = await visitor().request('GET', `/devices?q=${'a'.repeat(9000)}`);
	for (const [answer, status] of [[large, 413], [long, 414]]) {
		assert.equal(answer.status, status);
		assert.match(answer.body, /<h1>This request could not be read<\/h1>/);
		assert.equal(answer.headers['retry-after'], undefined, 'the same would be refused again');
	}
});

test('what nginx itself refuses an agent is a whole problem: what is wrong, and the number in the log', async () => {
	const link = wire();
	const answers = {
		413: await link.request('POST', '/v1/enroll', { body: '{', headers: { 'Content-Type': 'application/json', 'Content-Length': String(1 << 20) } }),
		431: await link.request('GET', '/v1/ca', { headers: { 'X-Long': 'y'.repeat(9000) } }),
	};
	for (const [status, answer] of Object.entries(answers)) {
		assert.equal(answer.status, Number(status));
		assert.match(answer.headers['content-type'], /^application\/problem\+json/);
		assert.equal(answer.json.status, Number(status));
		assert.ok(answer.json.detail.length > 20, answer.body);
		await until('the log to have it', 10, () => fs.readFileSync(instance.path('log/access.log'), 'utf8').includes(answer.json.instance));
	}
});

test('a program that is away: 503 with a page of ours on the site, problem+json for agents, and it comes back', async () => {
	await gone('user', async () => {
		const answer = await visitor().get('/');
		assert.equal(answer.status, 503);
		assert.match(answer.body, /fleetport is not available right now/);
		assert.ok(answer.headers['retry-after']);
	});
	await gone('enroll', async () => {
		const answer = await wire().request('GET', '/v1/ca');
		assert.equal(answer.status, 503);
		assert.match(answer.headers['content-type'], /^application\/problem\+json/);
		assert.equal(answer.json.status, 503);
		assert.ok(answer.headers['retry-after']);
	});
	await ready();
});

test('a program that dies is started again, and status says so', async () => {
	const before = instance.status().find((row) => row.name === 'support');
	process.kill(before.pid, 'SIGKILL');
	const now = await until('support to run again', 20, () => instance.status().find((row) => row.name === 'support' && row.state === 'running' && row.pid !== before.pid));
	assert.equal(now.restarts, before.restarts + 1);
	assert.equal(now.exit, 'signal 9');
	await ready();
});

// Connects as nobody. cwd: so that only the folders from here on count, as in production, where others may enter run/.
const stranger = async (name) => {
	const { stdout } = await run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', '/usr/bin/python3', '-Ic', `
import errno, socket, sys
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
    print("connected")
except OSError as error:
    print(errno.errorcode[error.errno])`, name], { cwd: instance.run });
	return stdout.trim();
};

test('the sockets that believe a PROXY header lie where only nginx may enter', async () => {
	const folder = path.join(instance.run, 'nginx');
	const { mode, uid } = fs.statSync(folder);
	assert.equal(mode & 0o077, 0, 'closed to all but the owner');
	assert.equal(uid, fs.statSync(`/proc/${instance.pid('nginx')}`).uid);
	for (const file of ['nginx-stream.conf', 'nginx-http.conf']) {
		for (const [, socket] of fs.readFileSync(instance.path('etc', file), 'utf8').matchAll(/listen\s+"unix:([^"]+)"[^;]*\bproxy_protocol\b/g)) {
			assert.equal(path.dirname(socket), folder, `${file}: ${socket}`);
			assert.ok(fs.statSync(socket).isSocket());
		}
	}
});

test('another user of the machine cannot connect there', { skip: process.getuid() !== 0 && 'only root can become another user' }, async () => {
	fs.chmodSync(instance.run, 0o755); // as `fleetport init` makes it
	try {
		assert.equal(await stranger('none.sock'), 'ENOENT', 'the folder above does not keep them out');
		for (const name of ['nginx/https.sock', 'nginx/mqtt-in.sock']) assert.equal(await stranger(name), 'EACCES', name);
	} finally {
		fs.chmodSync(instance.run, 0o700);
	}
});

test('nothing but the one port listens, and only on this machine', () => {
	const mine = new Set(instance.status().map((row) => row.pid));
	const inodes = new Set();
	let listening = 0;
	const ours = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
		try {
			const [, , , ppid, pgid] = /^\d+ \((.*)\) (\S) (\d+) (\d+)/.exec(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
			return mine.has(Number(pid)) || mine.has(Number(ppid)) || mine.has(Number(pgid));
		} catch {
			return false;
		}
	});
	for (const pid of ours) {
		let files = [];
		try { files = fs.readdirSync(`/proc/${pid}/fd`); } catch { /* ended meanwhile */ }
		for (const fd of files) {
			try {
				const found = /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(path.join('/proc', pid, 'fd', fd)));
				if (found) inodes.add(found[1]);
			} catch { /* closed meanwhile */ }
		}
	}
	for (const table of ['tcp', 'tcp6']) {
		for (const line of fs.readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1)) {
			const fields = line.trim().split(/\s+/);
			if (fields[3] !== '0A' || !inodes.has(fields[9])) continue;
			listening++;
			assert.equal(fields[1], `0100007F:${instance.port.toString(16).toUpperCase().padStart(4, '0')}`);
		}
	}
	assert.ok(listening > 0, 'the port is among what we looked at');
});

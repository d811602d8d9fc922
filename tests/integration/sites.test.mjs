// SPDX-License-Identifier: Apache-2.0
// People at the two sites: who gets in, what they may see, and what others' things look like to them.

import { test } from 'node:test';

import { forms } from '../../demo/visitor.mjs';
import { assert, customer, demo, deviceIds, instance, person, signedIn, until, visitor } from './harness.mjs';
import { order, printerOf } from './technician.mjs';

// An answer as a stranger would compare it: without what differs by nature.
const comparable = ({ status, headers, body }, secrets = []) => {
	const { date: _, 'x-request-id': requestId, 'content-length': __, ...rest } = headers;
	let text = body;
	for (const secret of [requestId, ...secrets]) if (secret) text = text.replaceAll(secret, '…');
	return { status, headers: rest, body: text.replace(/name="csrf" value="[^"]*"/g, 'csrf').replace(/\b[0-9a-f]{32}\b/g, '…') };
};

test('a stranger is led to one plain form with name and password, on both sites', async () => {
	for (const site of ['user', 'support']) {
		const { body, status } = await visitor(site).get('/');
		assert.equal(status, 200);
		const withPassword = forms(body).filter(({ fields }) => 'password' in fields);
		assert.equal(withPassword.length, 1);
		assert.equal(withPassword[0].method, 'POST');
		assert.ok('name' in withPassword[0].fields);
	}
});

test('everyone in the demo signs in on the own site, and out again', async () => {
	for (const who of demo.people) {
		const me = visitor(who.site);
		const answer = await me.signIn(who.name, who.password);
		assert.ok(answer.ok || who.site === 'support', `${who.name}: ${answer.status}`);
		const page = await me.get('/');
		const out = forms(page.body).find(({ action }) => action === '/session/end');
		assert.ok(out, `${who.name} finds a way to sign out`);
		await me.send(out);
		assert.ok(forms((await me.get('/')).body).some(({ fields }) => 'password' in fields));
	}
});

test('nobody signs in on the other site', async () => {
	for (const who of demo.people.filter(({ role }) => ['customer-admin', 'technician'].includes(role))) {
		const { ok } = await visitor(who.site === 'user' ? 'support' : 'user').signIn(who.name, who.password);
		assert.equal(ok, false, who.name);
	}
});

test('a wrong password and an unknown name get the same answer', async () => {
	const me = visitor();
	const form = forms((await me.get('/')).body).find(({ fields }) => 'password' in fields);
	const name = `wrong-${process.pid}`;
	const first = await me.send({ ...form, fields: { ...form.fields, name: person('customer-viewer').name, password: 'wrong horse battery' } });
	const other = await me.send({ ...form, fields: { ...form.fields, name, password: 'wrong horse battery' } });
	assert.equal(first.status, other.status);
	assert.ok(first.status >= 400 && first.status < 500);
	assert.deepEqual(comparable(first, [person('customer-viewer').name]).body, comparable(other, [name]).body);
	const good = await visitor().signIn(person('customer-viewer').name, person('customer-viewer').password);
	assert.ok(good.ok, 'one wrong attempt keeps nobody out');
});

test('a name that is tried too often is throttled, whether it exists or not, and says when to come back', async () => {
	const me = visitor();
	const name = `nobody-${process.pid}-${Date.now()}`;
	let answer;
	for (let i = 0; i < 7; i++) {
		const form = forms((await me.get('/')).body).find(({ fields }) => 'password' in fields);
		answer = await me.send({ ...form, fields: { ...form.fields, name, password: `guess number ${i}` } });
		if (answer.status === 429) break;
	}
	assert.equal(answer.status, 429);
	assert.ok(Number(answer.headers['retry-after']) > 0);
});

test('a form without its token, with a foreign one, or from elsewhere is refused', async () => {
	const me = await signedIn('customer-viewer');
	const other = await signedIn('customer-admin');
	const page = await me.get('/');
	const out = forms(page.body).find(({ action }) => action === '/session/end');
	const foreign = forms((await other.get('/')).body).find(({ action }) => action === '/session/end');
	const { csrf: _, ...without } = out.fields;
	const refusals = [
		await me.send({ ...out, fields: without }),
		await me.send({ ...out, fields: { ...out.fields, csrf: foreign.fields.csrf } }),
		await me.send({ ...out, fields: { ...out.fields, csrf: 'x' } }),
		await me.send(out, { headers: { Origin: 'https://evil.example' } }),
		await me.send(out, { headers: { 'Sec-Fetch-Site': 'cross-site' } }),
		await me.send(out, { headers: { Origin: demo.support.url } }),
	];
	for (const answer of refusals) assert.equal(answer.status, 403);
	assert.equal((await me.get('/devices')).status, 200, 'still signed in');
});

test('a made-up, an ended and a foreign site\'s session are strangers\' sessions', async () => {
	const me = await signedIn('customer-viewer');
	const [[name, value]] = [...me.cookies];
	assert.match(name, /^__Host-/);
	const isStranger = async (cookie, site = 'user') => {
		const look = visitor(site);
		look.cookies.set(cookie[0], cookie[1]);
		const answer = await look.request('GET', '/devices');
		return answer.status === 303 && /^\/(sign-in)?\?next=/.test(answer.headers.location);
	};
	assert.ok(await isStranger([name, `${value.slice(0, -2)}AA`]));
	assert.ok(await isStranger([name, value], 'support'));
	const out = forms((await me.get('/')).body).find(({ action }) => action === '/session/end');
	await me.send(out);
	assert.ok(await isStranger([name, value]));
});

test('a person who is suspended is out with the next request', async () => {
	const { id } = await instance.cli(['user', 'add', '--organisation', customer().id, '--role', 'customer-viewer',
		'--name', `short-${process.pid}`, '--password-file', '-'], { input: 'a long enough password\n' });
	const me = visitor();
	assert.ok((await me.signIn(`short-${process.pid}`, 'a long enough password')).ok);
	await instance.cli(['user', 'suspend', id]);
	const answer = await me.request('GET', '/devices');
	assert.equal(answer.status, 303);
	await instance.cli(['user', 'remove', id]);
});

test('everyone sees the own devices: all, the granted groups, or those under contract', async () => {
	const counts = {};
	for (const [role, organisation] of [['customer-admin', customer().name], ['customer-viewer', customer().name], ['customer-admin', customer(1).name],
		['technician', 'Tidewater Technik'], ['partner-admin', 'Tidewater Technik'], ['partner-admin', 'Northlight Service']]) {
		counts[`${role} ${organisation}`] = new Set(await deviceIds(await signedIn(role, organisation)));
	}
	const set = (role, organisation) => counts[`${role} ${organisation}`];
	const [admin, viewer, second] = [set('customer-admin', customer().name), set('customer-viewer', customer().name), set('customer-admin', customer(1).name)];
	assert.ok(viewer.size > 0 && viewer.size < admin.size);
	for (const id of viewer) assert.ok(admin.has(id));
	for (const id of second) assert.ok(!admin.has(id));
	assert.deepEqual(set('partner-admin', 'Tidewater Technik'), second);
	assert.equal(set('partner-admin', 'Northlight Service').size, admin.size + second.size);
	assert.ok(set('technician', 'Tidewater Technik').size < second.size);
});

test('what is not yours answers exactly as what does not exist, on every address that has an id', async () => {
	const [theirs] = await deviceIds(await signedIn('customer-admin', customer(1).name));
	const { path } = await order(await printerOf(), { purpose: 'not yours' });
	const foreignOperation = /rq_\w{22}/.exec(path)[0];
	const customerAdmin = await signedIn('customer-admin', customer().name);
	const technician = await signedIn('technician', 'Tidewater Technik');
	const mine = new Set(await deviceIds(technician));
	const foreignDevice = (await deviceIds(await signedIn('customer-admin', customer().name))).find((id) => !mine.has(id));
	const csrf = forms((await technician.get('/')).body).find(({ action }) => action === '/session/end').fields.csrf;
	const fieldsOfOrder = { csrf, kind: 'get-status', strength: '', purpose: 'x', key: '0123456789abcdef' };
	const none = (id) => id.slice(0, 3) + '0'.repeat(22);
	for (const [me, method, id, address, fields] of [
		[customerAdmin, 'GET', theirs, (of) => `/devices/${of}`],
		[technician, 'GET', foreignDevice, (of) => `/devices/${of}`],
		[technician, 'GET', foreignDevice, (of) => `/devices/${of}/operation`],
		[technician, 'POST', foreignDevice, (of) => `/devices/${of}/operation`, fieldsOfOrder],
		[technician, 'GET', foreignOperation, (of) => `/operations/${of}`],
		[technician, 'POST', foreignOperation, (of) => `/operations/${of}/cancel`, { csrf }],
	]) {
		const answers = [];
		for (const one of [id, none(id)]) {
			const answer = method === 'GET' ? await me.request('GET', address(one)) : await me.send({ action: address(one), fields }, { follow: false });
			answers.push(comparable(answer, [one]));
		}
		assert.equal(answers[0].status, 404, `${method} ${address(id)}`);
		assert.deepEqual(answers[0], answers[1], `${method} ${address(id)}`);
	}
});

test('nor does the time tell: what is not yours is answered as quickly as what does not exist', async () => {
	const mine = await signedIn('customer-admin', customer().name);
	const [theirs] = await deviceIds(await signedIn('customer-admin', customer(1).name));
	const times = [[], []];
	// In turns, so that whatever else this machine does hits both alike.
	for (let i = 0; i < 60; i++) {
		for (const [which, id] of [theirs, `de_${'0'.repeat(22)}`].entries()) {
			const began = performance.now();
			assert.equal((await mine.request('GET', `/devices/${id}`)).status, 404);
			times[which].push(performance.now() - began);
		}
	}
	const [foreign, missing] = times.map((list) => list.sort((a, b) => a - b)[list.length >> 1]);
	assert.ok(Math.abs(foreign - missing) < 2 + missing / 2, `medians ${foreign} ms and ${missing} ms`);
});

test('fields that are unknown, repeated or ill-typed are refused before anything happens', async () => {
	const me = await signedIn('customer-admin');
	for (const query of ['?nonsense=1', '?q=a&q=b', '?state=everything', '?after=%%%', '?q=%FF%FE', `?q=${'x'.repeat(9000)}`]) {
		const { status } = await me.request('GET', `/devices${query}`);
		assert.ok(status >= 400 && status < 500, `${query.slice(0, 20)}: ${status}`);
	}
	for (const path of ['/devices/de_x', '/devices/../etc/passwd', '/devices/%00', '/nothing']) {
		const { status } = await me.request('GET', path).catch(() => ({ status: 400 }));
		assert.ok(status >= 400 && status < 500, path);
	}
});

test('every look at a device is in the audit log', async () => {
	const me = await signedIn('customer-viewer');
	const [id] = await deviceIds(me);
	const answer = await me.get(`/devices/${id}`);
	assert.equal(answer.status, 200);
	const requestId = answer.headers['x-request-id'];
	assert.ok(requestId);
	await until('the record to be found', 10, async () => {
		const found = await instance.cli(['audit', 'search', '--target', id, '--action', 'device.view']);
		return found.some((entry) => entry.requestId === requestId && entry.outcome === 'done');
	});
});

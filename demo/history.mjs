// SPDX-License-Identifier: Apache-2.0
// Thirty plausible days of a printer: busy in working hours, idle at night; ink falls and is replaced, counters
// rise, now and then paper is out. The same number gives the same life, so the last report and what the printer
// then tells by SNMP (recording.mjs) agree.

import { MAKER, MODELS, identityOf } from './printers.mjs';

const HOUR = 3600e3;
const DAY = 24 * HOUR;
export const DAYS = 30;

// mulberry32: small, good enough for made-up lives, and the same everywhere.
function random(seed) {
	let a = seed >>> 0;
	return () => {
		a = (a + 0x6d2b79f5) >>> 0;
		let t = a;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

const iso = (ms) => new Date(Math.round(ms)).toISOString();
const round = (value, digits) => Number(value.toFixed(digits));

// Every four hours, and every hour of the last day: the times that reports are from.
export function reportTimes(now) {
	const times = [];
	for (let at = now - DAYS * DAY; at < now - DAY; at += 4 * HOUR) times.push(at);
	for (let at = now - DAY; at < now - HOUR / 2; at += HOUR) times.push(at);
	return times;
}

export class Life {
	constructor(printer, now) {
		this.printer = printer;
		this.model = MODELS[printer.model];
		this.now = now;
		this.random = random(printer.number * 7919);
		this.start = now - DAYS * DAY;
		this.at = this.start;
		this.pace = 0.4 + this.random() * 1.4; // busy and quiet ones
		this.levels = this.model.inks.map(() => 0.3 + this.random() * 0.7);
		this.box = 0.35 + this.random() * 0.6; // room left in the maintenance box
		this.impressions = Math.floor(4000 + this.random() * 90000);
		this.area = this.impressions * 0.31;
		this.seconds = this.impressions * (this.model.wide ? 95 : 4);
		this.used = this.model.inks.map((_, i) => round(1500 + this.random() * 9000 + i, 1));
		this.serials = this.model.inks.map(() => this.cartridge());
		this.jobs = [];
		this.events = [];
		this.cleanings = [];
		this.maintenance = [];
		this.outOfPaper = 0; // until when
		this.lastJob = 0;
	}

	cartridge() {
		return `VC${Math.floor(this.random() * 1e8).toString(36).toUpperCase().padStart(6, '0')}`;
	}

	// How busy it is at that hour: 0 … 1.
	busy(at) {
		const day = new Date(at).getUTCDay();
		const hour = new Date(at).getUTCHours();
		if (day === 0 || day === 6) return hour > 8 && hour < 14 ? 0.08 : 0;
		if (hour < 7 || hour > 18) return 0.02;
		return hour < 9 || hour === 12 || hour > 16 ? 0.45 : 0.9;
	}

	print(at) {
		const wide = this.model.wide;
		const sheets = 1 + Math.floor(this.random() ** 2 * (wide ? 12 : 60));
		const area = wide ? sheets * (0.3 + this.random() * 1.1) : sheets * 0.0624;
		const seconds = Math.round(wide ? area * 110 : sheets * 3.5) + 12;
		const inkUsedMl = {};
		this.model.inks.forEach((ink, i) => {
			const ml = area * (0.4 + this.random() * 1.6) * (wide ? 1 : 0.6);
			inkUsedMl[ink] = round(ml, 2);
			this.used[i] = round(this.used[i] + ml, 2);
			const full = wide ? this.model.capacity / 10 : 60;
			this.levels[i] -= ml / full;
			if (this.levels[i] < 0.22) this.replace(i, at + seconds * 1000);
		});
		this.impressions += sheets;
		this.area += area;
		this.seconds += seconds;
		const aborted = this.random() < 0.015;
		this.jobs.push({
			id: `j${Math.floor(at / 1000).toString(36)}`,
			startedAt: iso(at), endedAt: iso(at + seconds * 1000),
			state: aborted ? 'aborted' : 'completed',
			reasons: aborted ? ['job-canceled-at-device'] : [],
			impressions: sheets, sheets, areaM2: round(area, 3),
			media: wide ? ['Coated 180', 'Photo satin 240', 'Bond 90'][Math.floor(this.random() * 3)] : 'Plain A4',
			inkUsedMl,
		});
		return seconds;
	}

	replace(i, at) {
		this.levels[i] = 1;
		this.serials[i] = this.cartridge();
		this.maintenance.push({ id: `m${Math.floor(at / 1000).toString(36)}-${i}`, at: iso(at), kind: 'supply-replaced', part: this.model.inks[i] });
	}

	clean(at) {
		const ml = this.model.wide ? 6 + this.random() * 9 : 1 + this.random();
		this.cleanings.push({
			id: `c${Math.floor(at / 1000).toString(36)}`, at: iso(at),
			kind: this.random() < 0.8 ? 'light' : 'normal', trigger: this.random() < 0.6 ? 'automatic' : 'panel', inkUsedMl: round(ml, 1),
		});
		this.model.inks.forEach((_, i) => {
			this.levels[i] = Math.max(0.2, this.levels[i] - ml / this.model.inks.length / (this.model.wide ? this.model.capacity / 10 : 60));
			this.used[i] = round(this.used[i] + ml / this.model.inks.length, 2);
		});
		this.box = this.box < 0.25 ? 1 : this.box - ml / 900;
	}

	// Lives on until `to`, in steps of a quarter of an hour.
	live(to) {
		const step = HOUR / 4;
		for (; this.at + step <= to; this.at += step) {
			if (this.stopped(this.at)) continue;
			if (this.outOfPaper > this.at) continue;
			if (this.random() < this.busy(this.at) * this.pace * 0.3) {
				this.print(this.at + this.random() * HOUR / 8);
				this.lastJob = this.at;
			}
			if (this.random() < 0.0025) this.clean(this.at);
			if (this.random() < 0.0012) this.runOut(this.at);
		}
	}

	runOut(at) {
		if (at > this.now - 6 * HOUR) return; // all have paper in the end
		this.outOfPaper = at + (0.3 + this.random() * 3) * HOUR;
		this.events.push({
			id: `e${Math.floor(at / 1000).toString(36)}`, at: iso(at), clearedAt: iso(this.outOfPaper),
			severity: 'error', code: '808', reason: 'media-empty', text: 'Paper is out',
		});
	}

	// The one that jammed five hours ago stands since then.
	stopped(at) {
		return this.printer.trouble === 'jammed' && at >= this.jammedAt();
	}
	jammedAt() {
		return this.now - 5 * HOUR;
	}

	// The one that fell silent did so three days ago: no report after that.
	silent(at) {
		return this.printer.trouble === 'silent' && at > this.now - 3 * DAY;
	}

	// Level of ink i as a share, with the one that is low kept low at the end.
	share(i, at) {
		if (this.printer.trouble === 'low-ink' && i === 1 && at > this.now - 2 * DAY) return 0.04;
		return Math.max(0.04, this.levels[i]);
	}

	status(at) {
		const reasons = [];
		let state = this.lastJob > at - HOUR / 2 ? 'processing' : 'idle';
		const codes = [];
		if (this.stopped(at)) {
			state = 'stopped';
			reasons.push('media-jam-error');
			codes.push({ code: '8', severity: 'error', text: 'Paper jam: open the front cover' });
		} else if (this.outOfPaper > at) {
			state = 'stopped';
			reasons.push('media-empty-error');
			codes.push({ code: '808', severity: 'error', text: 'Paper is out' });
		}
		if (this.model.inks.some((_, i) => this.share(i, at) < 0.1)) reasons.push('marker-supply-low-report');
		return { state, reasons, codes };
	}

	supplies(at) {
		const list = this.model.inks.map((ink, i) => ({
			index: i + 1, class: 'supplyThatIsConsumed', type: 'inkCartridge', color: ink,
			name: supplyName(this.printer, ink), unit: this.model.unit, capacity: this.model.capacity,
			level: Math.round(this.share(i, at) * this.model.capacity), resolution: 'exact', serialNumber: this.serials[i],
		}));
		list.push({
			index: list.length + 1, class: 'receptacleThatIsFilled', type: 'wasteInk', name: 'Maintenance box', unit: 'percent',
			capacity: 100, level: Math.round(Math.max(0.02, this.box) * 100), resolution: 'exact',
		});
		return list;
	}

	// The device's part of a report at that time; null while it is silent. Empties the lists of what happened.
	report(at) {
		this.live(at);
		if (this.silent(at)) return null;
		const { printer } = this;
		const inkUsedMl = {};
		this.model.inks.forEach((ink, i) => { inkUsedMl[ink] = round(this.used[i], 1); });
		const events = this.events.splice(0);
		if (printer.trouble === 'jammed' && at >= this.jammedAt()) {
			events.push({ id: 'jam-1', at: iso(this.jammedAt()), severity: 'error', code: '8', reason: 'media-jam', text: 'Paper jam: open the front cover' });
		}
		return {
			manufacturer: MAKER, model: printer.model, serialNumber: printer.serial, identity: identityOf(printer),
			group: printer.group, acquiredAt: iso(at), deviceTime: iso(at - 1500), firmwareVersion: this.model.firmware,
			status: this.status(at), supplies: this.supplies(at), events,
			counters: {
				inkUsedMl, printTimeSeconds: Math.round(this.seconds), printAreaM2: round(this.area, 1),
				impressions: this.impressions, sheets: this.impressions,
			},
			jobs: this.jobs.splice(0), cleanings: this.cleanings.splice(0), maintenance: this.maintenance.splice(0),
			settings: {
				printer: { powerSaveMinutes: 15, speed: printer.number % 2 ? 'normal' : 'fine' },
				network: { hostName: printer.community, ipv4: `192.0.2.${printer.number}` },
			},
		};
	}
}

export function supplyName(printer, ink) {
	const words = ink.split('-').map((word) => word[0].toUpperCase() + word.slice(1)).join(' ');
	return `${MODELS[printer.model].code} ${words}`;
}

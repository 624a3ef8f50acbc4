// SPDX-License-Identifier: GPL-2.0
// browser.js HTML-FOLDER SCREENSHOT-FOLDER: reads the book in Chromium, from
// file://, and says what holds, in TAP.
'use strict';

const fs = require('fs');
const path = require('path');
const packages = path.resolve('build/npm/node_modules');
const {chromium} = require(path.join(packages, 'playwright-core'));
const axe = require.resolve(path.join(packages, 'axe-core/axe.min.js'));
const [html, shots] = process.argv.slice(2).map(name => path.resolve(name));

// A page of each kind; preparation has figures, tables and what programs said.
const PAGES = ['index', 'preparation', 'switcher', 'tag-S', 'files',
	'file-guest-entry-S', 'names', 'glossary', 'card'];
const WIDTHS = {phone: 380, tablet: 900, wide: 1500};

let tests = 0;
function ok(right, what, why = '') {
	tests++;
	console.log(`${right ? 'ok' : 'not ok'} ${tests} - ${what}`);
	if (!right)
		console.error(`# ${what}: ${why}`);
}

function address(name, hash = '') {
	return `file://${html}/${name}.html${hash}`;
}

const foreign = [], errors = [];
function listen(page) {
	page.on('request', request => {
		if (!/^(file|data|about):/.test(request.url()))
			foreign.push(request.url());
	});
	page.on('pageerror', error => errors.push(String(error)));
	return page;
}

// Light and dark at the same time: there are two CPUs, most often.
async function looks(browser) {
	await Promise.all(['light', 'dark'].map(async colorScheme => {
		for (const javaScriptEnabled of [true, false]) {
			const context = await browser.newContext({colorScheme,
				javaScriptEnabled});
			const page = listen(await context.newPage());
			for (const name of PAGES)
				await look(page, name, colorScheme,
					javaScriptEnabled);
			await context.close();
		}
	}));
}

// By how much is the page wider than the window?
async function tooWide(page, width) {
	await page.setViewportSize({width, height: 900});
	const needs = await page.locator('html').evaluate(
		element => element.scrollWidth);
	return Math.max(0, needs - width);
}

async function violations(page, where) {
	await page.addScriptTag({path: axe});
	const found = await page.evaluate(where => axe.run(where || document, {
		runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa',
			'best-practice']}), where);
	return found.violations.map(v => `${v.id}: ${v.nodes.length}: ` +
		v.nodes[0].html + ' ' + v.nodes[0].failureSummary);
}

async function look(page, name, colours, script) {
	const wide = [];
	await page.goto(address(name));
	for (const [size, width] of Object.entries(WIDTHS)) {
		const by = await tooWide(page, width);
		if (by)
			wide.push(`${size}: ${by} pixels`);
		await page.screenshot({path: path.join(shots,
			`${name}-${size}-${colours}${script ? '' : '-plain'}.png`)});
	}
	const how = `${name}, ${colours}, ${script ? 'with' : 'without'} scripts`;
	ok(!wide.length, `${how}: fits three widths`, wide.join(', '));
	if (!script)
		return;
	const found = await violations(page);
	ok(!found.length, `${how}: axe finds nothing`, found.join('\n# '));
}

// What the pages of each kind don't show: a name may be longer elsewhere.
async function narrow(browser) {
	const context = await browser.newContext({javaScriptEnabled: false});
	const page = listen(await context.newPage());
	const wide = [];
	for (const file of fs.readdirSync(html)) {
		if (!file.endsWith('.html'))
			continue;
		await page.goto(address(path.basename(file, '.html')));
		const by = await tooWide(page, WIDTHS.phone);
		if (by)
			wide.push(`${file}: ${by} pixels`);
	}
	ok(!wide.length, 'every page fits a phone', wide.join(', '));
	await context.close();
}

// The checks themselves, on a page that was made worse.
async function worse(browser) {
	const context = await browser.newContext({offline: true});
	const page = listen(await context.newPage());
	await page.goto(address('index'));
	await page.addStyleTag({content: 'main p { color: #bbb; min-width: 90rem }'});
	ok((await violations(page)).join().includes('color-contrast'),
		'seen: text that is too pale');
	ok(await tooWide(page, 900) > 0, 'seen: a page that is too wide');
	await page.addScriptTag({content: 'fetch("http://example.org/")' +
		'.catch(() => undefined.nothing)'});
	await page.waitForTimeout(1000);
	ok(foreign.splice(0).length === 1, 'seen: a request to another machine');
	ok(errors.splice(0).length === 1, 'seen: a script that fails');
	await context.close();
}

// A use of a chunk unfolds by key, and is a link when there are no scripts.
async function unfolding(browser) {
	const context = await browser.newContext();
	const page = listen(await context.newPage());
	await page.goto(address('guest', '#c-start-the-guest'));
	const chunk = page.locator('#c-start-the-guest');
	const button = chunk.locator('button.use').first();
	const text = () => chunk.locator('code').innerText();
	const before = await text();
	await button.focus();
	await page.keyboard.press('Enter');
	const after = await text();
	ok(await button.getAttribute('aria-expanded') === 'true' &&
		after.includes('lguest_data.gp_entry') &&
		!before.includes('lguest_data.gp_entry'), 'Enter unfolds a chunk');
	ok(/\n {8}lguest_data|\n\tlguest_data/.test(after),
		'it is indented like its use', after.slice(0, 900));
	await page.keyboard.press('Enter');
	ok(await text() === before, 'Enter folds it again');

	await page.goto(address('guest', '#c-guest-lguest-c'));
	const far = page.locator('#c-guest-lguest-c button.use').first();
	await far.click();
	ok((await page.locator('#c-guest-lguest-c .open').innerText())
		.includes('P:010'), 'a chunk of another page unfolds');
	const twice = await page.evaluate(() => {
		const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
		return ids.filter((id, at) => ids.indexOf(id) !== at);
	});
	ok(!twice.length, 'what unfolds brings no id twice', twice.join(' '));
	await context.close();

	const plain = await browser.newContext({javaScriptEnabled: false});
	const still = listen(await plain.newPage());
	await still.goto(address('guest'));
	await still.locator('#c-start-the-guest a.use').first().click();
	ok(still.url().endsWith('guest.html#c-shake-hands-with-the-host'),
		'without scripts, a use is a link', still.url());
	await plain.close();
}

async function searching(browser) {
	const context = await browser.newContext();
	const page = listen(await context.newPage());
	await page.goto(address('index'));
	const find = async (query, title) => {
		await page.getByRole('searchbox').fill(query);
		const link = page.locator('.found a', {hasText: title}).first();
		await link.waitFor({timeout: 20000}).catch(() => {});
		ok(await link.isVisible(), `a search for "${query}" finds ${title}`,
			await page.locator('.found').innerText());
	};
	await find('furnished flat', 'The first instruction');
	await find('shake hands', 'Shake hands with the Host');
	await find('lguest_iret_slow', 'lguest_iret_slow');
	await find('LHCALL_SET_GATE', 'LHCALL_SET_GATE');
	await find('G:060', 'G:060');
	const found = await violations(page, '.top');
	ok(!found.length, 'axe finds nothing in what was found',
		found.join('\n# '));
	await page.keyboard.press('ArrowDown');
	ok(await page.evaluate(() => document.activeElement.closest('.found')),
		'an arrow leads to what was found');
	await page.keyboard.press('ArrowUp');
	await page.keyboard.press('Enter');
	await page.waitForURL(/G060/, {timeout: 10000}).catch(() => {});
	ok(page.url().endsWith('guest.html#G060'), 'Enter goes to the first',
		page.url());
	await page.getByRole('searchbox').fill('zzyzx');
	await page.getByText('Nothing found').waitFor({timeout: 20000})
		.catch(() => {});
	ok(await page.getByText('Nothing found').isVisible(),
		'a search for nonsense finds nothing');
	await page.keyboard.press('Escape');
	ok(!await page.locator('.found').isVisible(), 'Escape closes the list');
	await context.close();
}

async function colours(browser) {
	const context = await browser.newContext({colorScheme: 'light'});
	const page = listen(await context.newPage());
	const paper = () => page.evaluate(() =>
		getComputedStyle(document.body).backgroundColor);
	await page.goto(address('index'));
	const light = await paper();
	const button = page.getByRole('button', {name: /Colours/});
	await button.click();
	await button.click();
	const dark = await paper();
	ok(light !== dark, 'the toggle darkens the page');
	await page.goto(address('guest'));
	ok(await paper() === dark, 'and the next one');
	await context.close();
}

async function keyboard(browser) {
	const context = await browser.newContext();
	const page = listen(await context.newPage());
	await page.goto(address('guest'));
	await page.keyboard.press('Tab');
	const first = await page.evaluate(() => document.activeElement.textContent);
	await page.keyboard.press('Enter');
	ok(first === 'Skip to the text' &&
		await page.evaluate(() => document.activeElement.id) === 'main',
		'the first Tab can skip to the text', first);
	await page.locator('.ways [rel=next]').click();
	ok(page.url().endsWith('drivers.html'), 'next leads on');
	await page.locator('.ways [rel=prev]').click();
	ok(page.url().endsWith('guest.html'), 'previous leads back');
	await page.emulateMedia({media: 'print'});
	ok(!await page.locator('.top').isVisible() &&
		!await page.locator('#contents').isVisible(),
		'on paper, there are no bars');
	await context.close();
}

(async () => {
	const browser = await chromium.launch({
		executablePath: '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu', '--disable-quic',
			'--no-first-run', '--disable-background-networking',
			'--disable-component-update', '--disable-sync']});
	try {
		await looks(browser);
		await narrow(browser);
		await unfolding(browser);
		await searching(browser);
		await colours(browser);
		await keyboard(browser);
		ok(!foreign.length, 'no request goes to another machine',
			foreign.join(' '));
		ok(!errors.length, 'no script fails', errors.join('\n# '));
		await worse(browser);
	} finally {
		await browser.close();
	}
	console.log(`1..${tests}`);
})();

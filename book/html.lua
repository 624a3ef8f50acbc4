-- SPDX-License-Identifier: GPL-2.0
-- A pandoc filter that writes the book's pages into the folder BOOK_OUT, and
-- leaves nothing for pandoc to write. With BOOK_ONLY, it writes that chapter's.
local here = pandoc.path.directory(PANDOC_SCRIPT_FILE)
local book = dofile(here .. '/common.lua')
local OUT = os.getenv('BOOK_OUT') or 'build/book/html'
local ONLY = os.getenv('BOOK_ONLY')
local esc = book.escape

local function write(name, text)
	local file = assert(io.open(OUT .. '/' .. name, 'w'))
	file:write(text)
	assert(file:close())
end

local template = book.read(here .. '/page.html')
local ALL = 'all.html'
local page_of = {}	-- id -> page
local current		-- the page that is being made
local search = {}	-- {kind, title, address, text}
local pages = {}	-- of the story, in order

local function find(kind, title, address, text)
	table.insert(search, {kind, title, address, text or ''})
end

function book.href(id)
	local page = page_of[id] or error('no such place: #' .. id)
	if page == current or current == ALL then
		return '#' .. id
	end
	return page .. '#' .. id
end

local function file_page(name)
	return 'file-' .. name:gsub('[/.]', '-') .. '.html'
end

function book.file_href(name, line)
	return file_page(name) .. '#L' .. line
end

-- Text to collect, and one string in the end.
local function sheet()
	local out = {}
	return function(format, ...)
		if not format then
			return table.concat(out)
		end
		out[#out + 1] = select('#', ...) > 0 and
			string.format(format, ...) or format
	end
end

-- The sidebar.
local function contents()
	local put = sheet()
	local function item(page, title, hint)
		put('<li><a href="%s"%s%s>%s</a>', page,
			page == current and ' aria-current="page"' or '',
			hint and ' title="' .. esc(hint) .. '"' or '',
			esc(title))
	end
	put('<h2>By story</h2>\n<ol>\n')
	for _, chapter in ipairs(book.told) do
		item(chapter.page, chapter.title)
		if chapter.page == current then
			put('<ul>\n')
			for _, s in ipairs(chapter.sections) do
				put('<li><a href="#%s">%s</a></li>\n', s.id,
					esc(s.title))
			end
			put('</ul>')
		end
		put('</li>\n')
	end
	put('</ol>\n<h2>By tag</h2>\n<ul class="row">\n')
	for _, chapter in ipairs(book.chapters) do
		if #chapter.passages > 0 then
			item(chapter.tour, chapter.letter, chapter.title)
			put('</li>\n')
		end
	end
	put('</ul>\n<h2>By file</h2>\n<ul>\n')
	item('files.html', 'All files')
	put('</li>\n</ul>\n<h2>Look it up</h2>\n<ul>\n')
	for _, extra in ipairs(book.extras) do
		item(extra.page, extra.title)
		put('</li>\n')
	end
	item('names.html', 'Names and chunks')
	put('</li>\n')
	item(ALL, 'All in one page')
	put('</li>\n</ul>\n')
	return put()
end

-- body is made by a function, as addresses in it depend on the page.
local function page(name, title, make, previous, next, file)
	if ONLY and file ~= ONLY then
		return
	end
	current = name
	local put = sheet()
	local links = sheet()
	local function way(relation, to, text)
		if to then
			put('<a rel="%s" href="%s">%s</a>\n', relation, to[1],
				esc(text:format(to[2])))
			links('<link rel="%s" href="%s">\n', relation, to[1])
		end
	end
	way('prev', previous, '← %s')
	way('next', next, '%s →')
	local fields = {title = esc(title), links = links(),
		body = make(), contents = contents(), ways = put(),
		page = name:gsub('%.html$', '')}
	write(name, (template:gsub('%$(%w+)%$', fields)))
end

-- Chunks that this page uses, and that stand on others, so that they can be
-- unfolded here.
local function copies(text)
	if current == ALL then
		return ''
	end
	local put = sheet()
	local done = {}
	local look
	local function copy(id)
		local chunk = book.by_id[id]
		if done[id] then
			return
		end
		done[id] = true
		local lines = book.chunk_lines(chunk, chunk.text, true)
		if page_of[id] ~= current then
			put('<template data-of="%s"%s>%s</template>\n', id,
				chunk.next and ' data-next="' .. chunk.next ..
				'"' or '', lines)
		end
		look(lines)
		if chunk.next then
			copy(chunk.next)
		end
	end
	function look(html)
		for id in html:gmatch('class="use" href="[^"#]*#([^"]*)"') do
			copy(id)
		end
	end
	look(text)
	return put()
end

local function render(blocks)
	local body = pandoc.Div(blocks):walk({
		CodeBlock = function(el)
			local chunk = book.by_id[el.identifier]
			local html = chunk and
				book.chunk_html(chunk, chunk.text) or
				'<pre class="sample ' .. (el.classes[1] or '') ..
				'" tabindex="0" role="group" ' ..
				'aria-label="Example"><code>' ..
				esc(el.text) .. '</code></pre>'
			return pandoc.RawBlock('html', html)
		end,
		Link = function(el)
			if el.target:sub(1, 1) == '#' then
				el.target = book.href(el.target:sub(2))
			end
			return el
		end,
		Para = book.figure, Figure = book.figure,
		Table = function(el)
			return pandoc.Div({el}, pandoc.Attr('', {'table'},
				{{'tabindex', '0'}, {'role', 'group'},
				 {'aria-label', 'Table'}}))
		end,
	})
	local html = pandoc.write(pandoc.Pandoc(body.content), 'html5')
	html = html:gsub('<th([^>]*)></th>', '<td%1></td>')
		:gsub('<th%f[ >]', '<th scope="col"')
	return html .. '\n' .. copies(html)
end

-- Where is what? And what can be found?
local function survey()
	for _, chapter in ipairs(book.chapters) do
		chapter.page = chapter.page .. '.html'
		chapter.tour = 'tag-' .. chapter.letter .. '.html'
		chapter.sections = {}
		chapter.passages = book.passages(chapter.letter)
		local section, text
		local function close()
			if section then
				find('section', section.title, chapter.page ..
					'#' .. section.id,
					table.concat(text, ' '))
			end
		end
		for _, block in ipairs(chapter.blocks) do
			if block.t == 'Header' then
				close()
				section = {id = block.identifier, title =
					pandoc.utils.stringify(block)}
				text = {}
				if block.level == 2 then
					table.insert(chapter.sections, section)
				end
			elseif block.t ~= 'CodeBlock' then
				text[#text + 1] = pandoc.utils.stringify(block)
			end
		end
		close()
		pandoc.Div(chapter.blocks):walk({
			Header = function(el)
				page_of[el.identifier] = chapter.page
			end,
			Image = function(el)
				page_of[el.identifier] = chapter.page
			end,
		})
	end
	for _, chunk in ipairs(book.chunks) do
		page_of[chunk.id] = chunk.chapter.page
		find('chunk', chunk.name, chunk.chapter.page .. '#' ..
			chunk.id, book.plain(chunk.text))
		for n, number in ipairs(chunk.numbers) do
			if number ~= '' then
				page_of[chunk.letter .. '-' ..
					(chunk.from + n - 1)] =
					chunk.chapter.page
			end
		end
		for line in book.lines_of(chunk.text) do
			local tag = book.tag(line)
			if tag then
				local id = tag:gsub(':', '')
				page_of[id] = chunk.chapter.page
				find('tag', tag, chunk.chapter.page .. '#' ..
					id, chunk.name)
			end
		end
	end
	for _, entry in ipairs(book.names) do
		find(entry.kind, entry.name, page_of[entry.key] .. '#' ..
			entry.key, entry.file)
	end
end

-- Lines of a file: each number leads to its place in the story.
local function listing(file, first, last, ids)
	file.html = file.html or book.html_lines(file.text, file.lang,
		book.code_link)
	local put = sheet()
	for n = first, last do
		put('<span class="l"%s><a class="n" href="%s">%d</a>%s' ..
			'</span>\n', ids and ' id="L' .. n .. '"' or '',
			book.href(file.keys[n]), n, file.html[n])
	end
	return string.format('<pre class="listing" tabindex="0" ' ..
		'role="group" aria-label="%s"><code>%s</code></pre>\n',
		esc(file.name), put())
end

local function tour(chapter)
	local put = sheet()
	put('<h1>%s: the passages</h1>\n<p>The same as <code>make %s</code> ' ..
		'prints. A line’s number leads to its place in the story.' ..
		'</p>\n', esc(chapter.title),
		(chapter.file:match('%d+%-(%a+)'):gsub('^%l', string.upper)))
	for _, passage in ipairs(chapter.passages) do
		local id = passage.tag:gsub(':', '')
		put('<h2 id="%s"><a href="%s">%s</a> %s <a class="lands" ' ..
			'href="%s">%s:%d–%d</a></h2>\n', id, book.href(id),
			passage.tag, esc(passage.chunk.name),
			book.file_href(passage.file.name, passage.first),
			passage.file.name, passage.first, passage.last)
		put('%s', listing(passage.file, passage.first, passage.last))
	end
	return put()
end

local function files()
	local put = sheet()
	local folder
	put('<h1>By file</h1>\n<p>Everything that the chapters make, as the ' ..
		'compiler gets it. The number of a line leads to its place ' ..
		'in the story.</p>\n')
	for _, file in ipairs(book.files) do
		local now = file.name:match('^(.*)/') or ''
		if now ~= folder then
			put('%s<h2>%s</h2>\n<ul>\n', folder and '</ul>\n' or '',
				now == '' and 'src' or now)
			folder = now
		end
		put('<li><a href="%s">%s</a>, %d lines</li>\n',
			file_page(file.name), file.name, #file.keys)
	end
	put('</ul>\n')
	return put()
end

local function names()
	local put = sheet()
	local sorted = book.sorted_names()
	put('<h1>Names and chunks</h1>\n<p>Each name: where it is defined, ' ..
		'then the chunks that use it. <a href="#chunks">Chunks</a> ' ..
		'follow.</p>\n<h2 id="names">Names</h2>\n<dl>\n')
	for _, entry in ipairs(sorted) do
		put('<dt>%s %s, <a class="lands" href="%s">%s:%s</a></dt>\n' ..
			'<dd>', book.name_link(entry), entry.kind,
			book.file_href(entry.file, entry.line), entry.file,
			entry.line)
		put('%s', book.chunk_link(book.by_id[entry.chunk], 'ref def'))
		for _, id in ipairs(entry.uses) do
			put(' %s', book.chunk_link(book.by_id[id], 'ref'))
		end
		put('</dd>\n')
	end
	put('</dl>\n<h2 id="chunks">Chunks</h2>\n<ul>\n')
	sorted = {}
	for _, chunk in ipairs(book.chunks) do
		if not chunk.prev then
			sorted[#sorted + 1] = chunk
		end
	end
	table.sort(sorted, function(a, b)
		return a.name:lower() < b.name:lower()
	end)
	for _, chunk in ipairs(sorted) do
		put('<li>%s</li>\n', book.chunk_link(chunk, 'ref'))
	end
	put('</ul>\n')
	return put()
end

local function everything()
	local put = sheet()
	for _, chapter in ipairs(book.chapters) do
		put('%s', render(chapter.blocks))
	end
	return put()
end

local function front()
	local doc = pandoc.read(book.read(here .. '/front.md'), 'markdown')
	return render(doc.blocks)
end

local function json(value)
	if type(value) == 'string' then
		return '"' .. value:gsub('[%c"\\<]', function(c)
			return string.format('\\u%04x', c:byte())
		end) .. '"'
	end
	local out = {}
	for i, v in ipairs(value) do
		out[i] = json(v)
	end
	return '[' .. table.concat(out, ',\n') .. ']'
end

local function series(list, name_of, title_of, make)
	for i, item in ipairs(list) do
		local function to(other)
			return other and {name_of(other), title_of(other)}
		end
		page(name_of(item), title_of(item) .. ' · lguest', function()
			return make(item)
		end, to(list[i - 1]), to(list[i + 1]), item.file)
	end
end

function Pandoc(doc)
	book.open(doc)
	survey()
	local first = book.chapters[1]
	page('index.html', 'lguest: a hypervisor, told', front, nil,
		{first.page, first.title})
	series(book.chapters, function(c) return c.page end,
		function(c) return c.title end,
		function(c) return render(c.blocks) end)
	local tours = {}
	for _, chapter in ipairs(book.chapters) do
		if #chapter.passages > 0 then
			tours[#tours + 1] = chapter
		end
	end
	series(tours, function(c) return c.tour end,
		function(c) return c.title .. ' by tag' end, tour)
	page('files.html', 'By file · lguest', files)
	series(book.files, function(f) return file_page(f.name) end,
		function(f) return f.name end,
		function(f)
			return '<h1>' .. f.name .. '</h1>\n' ..
				listing(f, 1, #f.keys, true)
		end)
	page('names.html', 'Names and chunks · lguest', names)
	page(ALL, 'lguest: all in one page', everything)
	if ONLY then
		return pandoc.Pandoc({})
	end
	write('search.js', 'lguestSearch(' .. json(search) .. ');\n')
	return pandoc.Pandoc({})
end

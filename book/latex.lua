-- SPDX-License-Identifier: GPL-2.0
-- A pandoc filter for the PDF: chunks with page numbers, tags in the margin.
local here = pandoc.path.directory(PANDOC_SCRIPT_FILE)
local book = dofile(here .. '/common.lua')

local FIGURES = os.getenv('BOOK_FIGURES') or 'build/book/figures'

local function tex(text)
	return (text:gsub('[\\{}%%#$&_^~]', {
		['\\'] = '\\textbackslash{}', ['{'] = '\\{', ['}'] = '\\}',
		['%'] = '\\%', ['#'] = '\\#', ['$'] = '\\$', ['&'] = '\\&',
		['_'] = '\\_', ['^'] = '\\textasciicircum{}',
		['~'] = '\\textasciitilde{}'}))
end

-- In Verbatim, a "-" is active: no good for a label.
local function label(id)
	return (id:gsub('-', '.'))
end

-- In running text, long names may break behind these.
local function breakable(text)
	return (tex(text):gsub('\\_', '\\_\\allowbreak{}')
		:gsub('([/.,:=(])', '%1\\allowbreak{}'))
end

local function index(entry, how)
	return string.format('\\index{%s@\\texttt{%s}%s}',
		tex(entry.name):gsub('\\_', ''), tex(entry.name), how)
end

-- Which chunks use which names, for the index at the end.
local uses = {}

local function link(kind, number)
	if kind == 'I' then
		local entry = book.names[number]
		return string.format('\\nwname{%s}{%s}', label(entry.key),
			tex(entry.name))
	end
	local chunk = book.first[book.chunks[number].name]
	return string.format('\\nwuse{%s}{%s}', label(chunk.id), tex(chunk.name))
end

local function code_lines(chunk)
	local block = pandoc.CodeBlock(book.untab(chunk.text),
		pandoc.Attr('', {chunk.lang}))
	local text = pandoc.write(pandoc.Pandoc({block}), 'latex')
	text = text:match('\\begin{Highlighting}%[%]\n(.*)\n\\end{Highlighting}')
	local lines = {}
	for line in book.lines_of(text) do
		lines[#lines + 1] = line:gsub('NW([IU])(%d+)%1', function(k, n)
			return link(k, tonumber(n))
		end)
	end
	return lines
end

local function chunk_tex(chunk)
	local places = {}
	for i, place in ipairs(chunk.lands) do
		places[i] = breakable(book.place(place):gsub('–', '--'))
	end
	local out = {string.format('\\nwhead{%s}{%s}{%s}{%s}', label(chunk.id),
		tex(chunk.name), chunk.prev and '{+}' or '',
		table.concat(places, ', '))}
	for _, entry in ipairs(uses[chunk.id] or {}) do
		out[#out + 1] = index(entry, '')
	end
	out[#out + 1] = '\n\\begin{nwcode}\n'
	local lines, n = code_lines(chunk), 0
	for line in book.lines_of(chunk.text) do
		n = n + 1
		local key = chunk.letter .. '-' .. (chunk.from + n - 1)
		local tag = book.tag(line)
		local mark = '\\nwnumber{' .. (chunk.numbers[n] or '') .. '}'
		if tag then
			mark = string.format('\\nwtag{%s}{%s}',
				tag:gsub(':', ''), tag) .. mark
		end
		for i, entry in ipairs(book.defined[key] or {}) do
			if i == 1 then
				mark = '\\nwtarget{' .. label(key) .. '}' .. mark
			end
			mark = mark .. index(entry, '|nwdefined')
		end
		out[#out + 1] = mark .. lines[n] .. '\n'
	end
	out[#out + 1] = '\\end{nwcode}\n'
	local notes, seen = {}, {}
	for _, id in ipairs(chunk.usedin) do
		local user = book.by_id[id]
		if not seen[user.name] then
			notes[#notes + 1] = string.format('\\nwref{%s}{%s}',
				label(id), breakable(user.name))
		end
		seen[user.name] = true
	end
	local text = ''
	if #notes > 0 then
		text = 'Used in ' .. table.concat(notes, ', ') .. '. '
	end
	if chunk.prev then
		text = text .. string.format('Begun on page~\\pageref{%s}. ',
			label(chunk.prev))
	end
	if chunk.next then
		text = text .. string.format('Continued on page~\\pageref{%s}.',
			label(chunk.next))
	end
	out[#out + 1] = '\\nwfoot{' .. text .. '}\n'
	return pandoc.RawBlock('latex', table.concat(out))
end

local function sample(el)
	local out = {'\\begin{nwsample}\n'}
	for line in book.lines_of(book.untab(el.text)) do
		out[#out + 1] = tex(line) .. '\n'
	end
	out[#out + 1] = '\\end{nwsample}\n'
	return pandoc.RawBlock('latex', table.concat(out))
end

local function inline_link(el)
	local id = el.target:match('^#(.*)$')
	if not id then
		return nil
	end
	local text = pandoc.utils.stringify(el)
	id = label(id)
	if el.classes:includes('tagref') then
		return pandoc.RawInline('latex', string.format(
			'\\nwtagref{%s}{%s}', id, text))
	elseif el.classes:includes('chunkref') then
		return pandoc.RawInline('latex', string.format(
			'\\nwref{%s}{%s}', id, breakable(text)))
	elseif el.classes:includes('name') then
		return pandoc.RawInline('latex', string.format(
			'\\nwname{%s}{\\texttt{%s}}', id, breakable(text)))
	end
end

-- A table of the card: a paragraph a row, as columns are narrow there.
local function card_rows(el)
	local out = {}
	for _, row in ipairs(pandoc.utils.to_simple_table(el).rows) do
		out[#out + 1] = '\\nwrow'
		for _, cell in ipairs(row) do
			out[#out + 1] = '{' .. pandoc.write(
				pandoc.Pandoc(cell), 'latex') .. '}'
		end
		out[#out + 1] = '\n'
	end
	return pandoc.RawBlock('latex', table.concat(out))
end

-- The passages by tag, with their pages.
local function tour()
	local out = {'\\addchap{The passages by tag}\n'}
	for _, chapter in ipairs(book.chapters) do
		local passages = book.passages(chapter.letter)
		if #passages > 0 then
			out[#out + 1] = '\\section*{' .. tex(chapter.title) ..
				'}\n\\begin{nwtour}\n'
			for _, p in ipairs(passages) do
				out[#out + 1] = string.format(
					'\\nwpassage{%s}{%s}{%s}{%s}\n',
					p.tag:gsub(':', ''), p.tag,
					tex(p.chunk.name), tex(p.file.name))
			end
			out[#out + 1] = '\\end{nwtour}\n'
		end
	end
	return pandoc.RawBlock('latex', table.concat(out))
end

function Pandoc(doc)
	local rest = book.open(doc)
	for _, entry in ipairs(book.names) do
		for _, id in ipairs(entry.uses) do
			uses[id] = uses[id] or {}
			table.insert(uses[id], entry)
		end
	end
	local blocks = pandoc.List()
	for _, chapter in ipairs(book.chapters) do
		if chapter == book.extras[1] then
			blocks:insert(pandoc.RawBlock('latex', '\\appendix'))
		end
		blocks:extend(pandoc.Div(chapter.blocks):walk({
			CodeBlock = function(el)
				local chunk = book.by_id[el.identifier]
				return chunk and chunk_tex(chunk) or sample(el)
			end,
		}):walk({
			Link = inline_link,
			Image = function(el)
				el.src = el.src:gsub('^figures/(.*)%.svg$',
					FIGURES .. '/%1.pdf')
				return el
			end,
			Div = function(el)
				if el.classes:includes('then') then
					el.content:insert(1, pandoc.RawBlock(
						'latex', '\\begin{nwthen}'))
					el.content:insert(pandoc.RawBlock(
						'latex', '\\end{nwthen}'))
					return el
				elseif el.classes:includes('card') then
					el.content:insert(1, pandoc.RawBlock(
						'latex', '\\begin{nwcard}'))
					el.content:insert(pandoc.RawBlock(
						'latex', '\\end{nwcard}'))
					return el
				end
			end,
		}):walk({
			Code = function(el)
				return pandoc.RawInline('latex', '\\texttt{' ..
					breakable(el.text) .. '}')
			end,
			Div = function(el)
				if el.classes:includes('card') then
					return el:walk({Table = card_rows})
				end
			end,
		}).content)
	end
	blocks:insert(tour())
	blocks:extend(rest)
	doc.blocks = blocks
	return doc
end

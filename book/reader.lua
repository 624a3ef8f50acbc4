-- SPDX-License-Identifier: GPL-2.0
-- A pandoc reader for the output of noweb's markup | finduses | noidx.
--
-- The prose goes to pandoc's own Markdown reader, in one piece. Chunks become
-- code blocks that know where they are used, continued and tangled to. In
-- their text, NWU7U stands for a use of chunk number 7, and NWI7I for name
-- number 7: both look like identifiers to any highlighter. The names, and
-- each tangled file as a whole, follow behind the chapters.

local LETTERS = 'PGDLHSM'	-- of the chapters' tags, in their order
local NAMES = os.getenv('BOOK_NAMES') or 'build/book/names'
local SRC = os.getenv('BOOK_SRC') or 'src'
local EXTRAS = os.getenv('BOOK_EXTRAS') or ''	-- Markdown, with [[quotes]]
local CAPTURED = 'book/captured/'

local function die(text, ...)
	io.stderr:write(string.format(text, ...), '\n')
	os.exit(1)
end

local chapters = {}	-- {file, letter, prose = {strings}}
local chunks = {}	-- every definition, in order
local by_label = {}	-- noweb's label -> chunk
local first = {}	-- name -> its first definition
local taken = {}	-- ids

local function new_id(name)
	local base = 'c-' .. name:lower():gsub('[^%w]+', '-'):gsub('^%-', '')
		:gsub('%-$', '')
	local id, n = base, 1
	while taken[id] do
		n = n + 1
		id = base .. '-' .. n
	end
	taken[id] = true
	return id
end

-- A code span in Markdown that survives whatever it holds.
local function span(text)
	local fence = text:find('`', 1, true) and '``' or '`'
	return fence .. text .. fence .. '{.quote}'
end

local function sorted_keys(t)
	local out = {}
	for k in pairs(t) do
		out[#out + 1] = k
	end
	table.sort(out)
	return out
end

-- 1. What noweb says.
local function parse(input)
	local chapter, chunk, line, quote
	local refs = false	-- in the lists at the end
	for row in input:gmatch('[^\n]*') do
		local key, rest = row:match('^@(%w+) ?(.*)$')
		local sub, arg
		if key == 'xref' or key == 'index' then
			sub, arg = rest:match('^(%w+) ?(.*)$')
		end
		if key == 'fatal' then
			die('noweb: %s', row)
		elseif key == 'file' then
			local n = #chapters + 1
			chapter = {file = rest, prose = {},
				letter = LETTERS:sub(n, n)}
			chapters[n] = chapter
			line = 1
		elseif key == 'begin' and rest:match('^code') then
			chunk = {letter = chapter.letter, file = chapter.file,
				lines = {{n = line}}, used = {}}
		elseif key == 'end' and rest:match('^code') then
			chapter.prose[#chapter.prose + 1] =
				'\n\nNWCHUNK' .. #chunks .. 'X\n\n'
			chunk = nil
		elseif key == 'defn' then
			chunk.name = rest
			chunk.id = new_id(rest)
			chunk.number = #chunks + 1
			chunks[#chunks + 1] = chunk
			first[rest] = first[rest] or chunk
		elseif key == 'xref' and chunk and sub == 'label' then
			by_label[arg] = chunk
		elseif key == 'xref' and chunk and sub == 'prevdef' then
			chunk.prev = arg
		elseif key == 'xref' and chunk and sub == 'nextdef' then
			chunk.next = arg
		elseif key == 'xref' and chunk and sub == 'useitem' then
			table.insert(chunk.used, arg)
		elseif key == 'quote' then
			quote = ''
		elseif key == 'endquote' then
			table.insert(chapter.prose, span(quote))
			quote = nil
		elseif quote and key == 'text' then
			quote = quote .. rest
		elseif quote and key == 'use' then
			quote = quote .. '<<' .. rest .. '>>'
		elseif key == 'nl' then
			line = line + 1
			if chunk then
				table.insert(chunk.lines, {n = line})
			else
				table.insert(chapter.prose, '\n')
			end
		elseif key == 'index' and sub == 'nl' then
			line = line + 1
		elseif key == 'text' and chunk then
			table.insert(chunk.lines[#chunk.lines], {text = rest})
		elseif key == 'use' and chunk then
			table.insert(chunk.lines[#chunk.lines], {use = rest})
		elseif key == 'index' and sub == 'use' and chunk then
			table.insert(chunk.lines[#chunk.lines], {name = true})
		elseif key == 'text' and chapter then
			table.insert(chapter.prose, rest)
		end
	end
	-- What follows @defn on its line, and the end of the last line.
	for _, c in ipairs(chunks) do
		table.remove(c.lines, 1)
		if #c.lines > 0 and #c.lines[#c.lines] == 0 then
			table.remove(c.lines)
		end
	end
end

-- 2. The tangle, once more, now to know where each line comes from.
local function is_file(name)
	return name == 'Kbuild' or name:match('^[a-z]+/[a-z0-9_/]+%.%w+$')
end

-- As far in as this text is wide, in tabs as far as they go.
local function indentation(text)
	local width = 0
	for c in text:gmatch('.') do
		width = c == '\t' and width + 8 - width % 8 or width + 1
	end
	return ('\t'):rep(width // 8) .. (' '):rep(width % 8)
end

local expand
local function expand_chunk(chunk, out, indent)
	for i, line in ipairs(chunk.lines) do
		if i > 1 then
			out[#out + 1] = {text = ''}
			if #line > 0 then
				out[#out].text = indent
			end
		end
		local from = #out
		for _, piece in ipairs(line) do
			local last = out[#out]
			if piece.text then
				last.text = last.text .. piece.text
			elseif piece.use then
				expand(piece.use, out,
					indentation(last.text))
			end
		end
		-- Whoever ends first owns the line: the innermost chunk.
		if not out[from].chunk and #out == from then
			out[from].chunk, out[from].at = chunk, line
		elseif not out[#out].chunk then
			out[#out].chunk, out[#out].at = chunk, line
		end
	end
end

expand = function(name, out, indent)
	local chunk = first[name] or die('undefined chunk <<%s>>', name)
	while chunk do
		expand_chunk(chunk, out, indent)
		chunk = by_label[chunk.next]
		if chunk then
			out[#out + 1] = {text = indent}
		end
	end
end

local files = {}	-- {name, lines}, by name
local function tangle()
	for _, name in ipairs(sorted_keys(first)) do
		if is_file(name) then
			local out = {{text = ''}}
			expand(name, out, '')
			files[#files + 1] = {name = name, lines = out}
			files[name] = files[#files]
		end
	end
	for _, file in ipairs(files) do
		local n = 0
		for made in io.lines(SRC .. '/' .. file.name) do
			n = n + 1
			local line = file.lines[n] or {text = '(none)'}
			if line.text ~= made then
				die('%s/%s:%d: not what the chapters say: %s',
					SRC, file.name, n, line.text)
			end
			line.number = n
			local at = line.at
			at.lands = at.lands or {}
			table.insert(at.lands, {file = file.name, number = n})
			line.chunk.roots = line.chunk.roots or {}
			line.chunk.roots[file.name] = true
		end
		if n ~= #file.lines then
			die('%s/%s: %d lines, not %d', SRC, file.name, n,
				#file.lines)
		end
	end
	-- A chunk of nothing but uses owns no line, but has a place.
	local again = true
	while again do
		again = false
		for _, c in ipairs(chunks) do
			if is_file(c.name) then
				c.roots = c.roots or {[c.name] = true}
			end
			for _, label in ipairs(c.used) do
				local user = by_label[label]
				if not c.roots and user and user.roots then
					c.roots = user.roots
					again = true
				end
			end
		end
	end
end

-- 3. Names: who defines them, and which words are them.
local names = {}	-- {name, kind, file, line, at, chunk, uses}
local by_name = {}	-- name -> list of those

local function read_names()
	for row in io.lines(NAMES) do
		local name, kind, path, line, scope =
			row:match('^(%S+)\t(%S+)\t(%S+)\t(%d+)\t(%S*)')
		path = path and path:gsub('^%./', '')
		local file = files[path]
		local short = kind == 'typedef' and #name < 4
		if file and not short and not name:match('_H$') then
			local at = file.lines[tonumber(line)]
			local entry = {name = name, kind = kind, file = path,
				line = line, chunk = at.chunk, at = at.at,
				here = scope == 'file' and path:match('%.c$'),
				number = #names + 1, uses = {}}
			names[#names + 1] = entry
			by_name[name] = by_name[name] or {}
			table.insert(by_name[name], entry)
		end
	end
end

local tagged = {struct = true, union = true, enum = true}

-- Which definition is meant by this word, with this before it, in these files?
local function resolve(word, before, roots, comment)
	local found
	for _, entry in ipairs(by_name[word] or {}) do
		local mine = roots[entry.file]
		local prefix = before:match('(%a+) +$')
		local fits = (mine or not entry.here) and
			(tagged[entry.kind] or false) ==
			(tagged[prefix] or false)
		if fits and (not found or mine and not roots[found.file]) then
			found = entry
		end
	end
	if not found or before:match('%.$') or before:match('%->$') or
	   before:match('%%$') or
	   comment and not word:match('_') and not before:match('struct $') then
		return nil
	end
	return found
end

-- Is a place behind this text in a comment, or in a string?
local function lex(state, text)
	local i = 1
	while i <= #text do
		local two = text:sub(i, i + 1)
		if state == 'comment' then
			if two == '*/' then
				state = nil
				i = i + 1
			end
		elseif state == 'string' then
			if two:sub(1, 1) == '\\' then
				i = i + 1
			elseif two:sub(1, 1) == '"' then
				state = nil
			end
		elseif two == '/*' then
			state = 'comment'
			i = i + 1
		elseif two:sub(1, 1) == '"' then
			state = 'string'
		end
		i = i + 1
	end
	return state
end

local function key(chunk, line)
	while line.shown do
		line = line.shown
	end
	return chunk.letter .. '-' .. line.n
end

local function mark_names(chunk)
	local state
	for _, line in ipairs(chunk.lines) do
		local before, marked = '', ''
		local parts = {}
		local is_name = false
		if state == 'string' then
			state = nil
		end
		for _, piece in ipairs(line) do
			if piece.name then
				is_name = true
			elseif piece.use then
				parts[#parts + 1] = 'NWU' ..
					first[piece.use].number .. 'U'
				before = before .. ' '
			else
				local word = piece.text
				local entry = is_name and state ~= 'string' and
					chunk.roots and
					resolve(word, before, chunk.roots,
						state == 'comment')
				if entry then
					word = 'NWI' .. entry.number .. 'I'
					entry.uses[chunk.id] = true
				end
				parts[#parts + 1] = word
				state = lex(state, piece.text)
				before = before .. piece.text
				is_name = false
			end
		end
		line.marked = table.concat(parts)
	end
end

-- 4. Code blocks.
local function language(roots)
	for _, name in ipairs(sorted_keys(roots or {})) do
		if name == 'Kbuild' then return 'makefile' end
		if name:match('%.S$') then return 'gnuassembler' end
		if name:match('%.sh$') then return 'bash' end
	end
	return 'c'
end

-- "guest/entry.S:12-25": for each file, from its first line to its last.
local function lands(chunk)
	local spans, order = {}, {}
	for _, line in ipairs(chunk.lines) do
		for _, place in ipairs(line.lands or {}) do
			local s = spans[place.file]
			if not s then
				s = {place.number, place.number}
				spans[place.file] = s
				order[#order + 1] = place.file
			end
			s[1] = math.min(s[1], place.number)
			s[2] = math.max(s[2], place.number)
		end
	end
	local out = {}
	for _, file in ipairs(order) do
		out[#out + 1] = string.format('%s:%d-%d', file,
			spans[file][1], spans[file][2])
	end
	return table.concat(out, ' ')
end

local function code_block(chunk)
	local lines = {table.unpack(chunk.lines)}
	-- Blank lines at the ends aren't shown: their neighbours stand for them.
	while #lines > 1 and #lines[#lines] == 0 do
		local blank = table.remove(lines)
		blank.shown = lines[#lines]
		blank.shown.lands = blank.shown.lands or blank.lands
	end
	while #lines > 1 and #lines[1] == 0 do
		local blank = table.remove(lines, 1)
		blank.shown = lines[1]
		blank.shown.lands = blank.shown.lands or blank.lands
	end
	local text, numbers = {}, {}
	for i, line in ipairs(lines) do
		text[i] = line.marked
		numbers[i] = line.lands and line.lands[1].number or ''
	end
	local used = {}
	for i, label in ipairs(chunk.used) do
		used[i] = by_label[label].id
	end
	local function id_of(label)
		return label and by_label[label].id or ''
	end
	return pandoc.CodeBlock(table.concat(text, '\n'),
		pandoc.Attr(chunk.id, {'chunk', language(chunk.roots)}, {
			{'name', chunk.name},
			{'serial', tostring(chunk.number)},
			{'from', tostring(lines[1] and lines[1].n or 0)},
			{'numbers', table.concat(numbers, ',')},
			{'lands', lands(chunk)},
			{'usedin', table.concat(used, ' ')},
			{'prev', id_of(chunk.prev)},
			{'next', id_of(chunk.next)}}))
end

-- A file as a whole: the same marks, at other indentations.
local function file_block(file)
	local text, keys = {}, {}
	for i, line in ipairs(file.lines) do
		local made = {}
		for _, piece in ipairs(line.at) do
			if piece.use then
				made = nil
				break
			end
		end
		text[i] = line.text
		if made then
			text[i] = line.text:match('^%s*') ..
				line.at.marked:gsub('^%s+', '')
		end
		keys[i] = key(line.chunk, line.at)
	end
	return pandoc.CodeBlock(table.concat(text, '\n'),
		pandoc.Attr('', {'file', language({[file.name] = true})},
			{{'name', file.name},
			 {'keys', table.concat(keys, ' ')}}))
end

-- 5. Prose.
local function inline_code(el)
	local text = el.text
	local quoted = el.classes:includes('quote')
	local tag = quoted and text:match('^(%u:%d%d%d)$')
	if tag then
		return pandoc.Link(tag, '#' .. tag:gsub(':', ''), '',
			pandoc.Attr('', {'tagref'}))
	end
	local chunk = text:match('^<<(.*)>>$')
	if quoted and chunk then
		chunk = first[chunk] or die('no chunk <<%s>>', chunk)
		return pandoc.Link(chunk.name, '#' .. chunk.id, '',
			pandoc.Attr('', {'chunkref'}))
	end
	local word = text:gsub('^struct ', ''):match('^([%a_][%w_]*)%(?%)?$')
	local found
	if word and (quoted or word:match('_')) then
		for _, entry in ipairs(by_name[word] or {}) do
			if not found or not entry.here and found.here then
				found = entry
			end
		end
	end
	el.classes = {}
	if not found then
		return el
	end
	return pandoc.Link(el, '#' .. key(found.chunk, found.at), '',
		pandoc.Attr('', {'name'}))
end

-- What a program said once, where a line by itself asks for it.
local function captured(name)
	local path = CAPTURED .. name
	local handle = io.open(path) or die('%s: no such captured run', path)
	local text = handle:read('a')
	handle:close()
	return '\n``` {.captured}\n' .. text .. '```\n'
end

local function place_chunk(el)
	local number = #el.content == 1 and el.content[1].t == 'Str' and
		el.content[1].text:match('^NWCHUNK(%d+)X$')
	if number then
		return code_block(chunks[tonumber(number)])
	end
end

local function names_block()
	local rows = {}
	for i, entry in ipairs(names) do
		local uses = {}
		for _, chunk in ipairs(chunks) do
			if entry.uses[chunk.id] and chunk ~= entry.chunk then
				uses[#uses + 1] = chunk.id
			end
		end
		rows[i] = table.concat({entry.name, entry.kind, entry.file,
			entry.line, key(entry.chunk, entry.at),
			entry.chunk.id, table.concat(uses, ' ')}, '\t')
	end
	return pandoc.CodeBlock(table.concat(rows, '\n'),
		pandoc.Attr('', {'names'}))
end

function Reader(input)
	parse(tostring(input))
	tangle()
	read_names()
	for _, chunk in ipairs(chunks) do
		mark_names(chunk)
	end

	local prose = {}
	for i, chapter in ipairs(chapters) do
		prose[i] = string.format('\n\n::::: {.chapter file="%s" ' ..
			'letter="%s"}\n%s\n:::::\n\n', chapter.file,
			chapter.letter, table.concat(chapter.prose)
			:gsub('\n<!%-%- captured: (%S+) %-%->\n', captured))
	end
	for path in EXTRAS:gmatch('%S+') do
		local handle = io.open(path) or die('%s: no such file', path)
		prose[#prose + 1] = string.format('\n\n::::: {.chapter ' ..
			'file="%s" letter=""}\n%s\n:::::\n\n', path,
			(handle:read('a'):gsub('%[%[(.-)%]%]', span)))
		handle:close()
	end
	local doc = pandoc.read(table.concat(prose), 'markdown-citations' ..
		'-raw_tex-raw_html-tex_math_dollars+smart')
	doc = doc:walk({Code = inline_code, Para = place_chunk})
	doc.blocks:insert(names_block())
	for _, file in ipairs(files) do
		doc.blocks:insert(file_block(file))
	end
	return doc
end

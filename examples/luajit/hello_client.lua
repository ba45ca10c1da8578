-- Says hello and prints what comes back. LuaJIT reads ropeway.h itself: there is no binding.
--
--     luajit hello_client.lua ws://127.0.0.1:9000/ [TEXT]
--
-- The header is that of the installation at PREFIX, an environment variable, /usr/local unless told otherwise; the library is
-- there too.

local ffi = require('ffi')

local prefix = os.getenv('PREFIX') or '/usr/local'
local file = assert(io.open(prefix .. '/include/ropeway.h'))
local header = file:read('*a')
file:close()

-- What is for a preprocessor goes; its numbers become a table.
local constant = {}
for name, value in header:gmatch('#define (ROPEWAY_[%w_]+) (%-?%d+)\n') do constant[name] = tonumber(value) end
header = header:gsub('#ifdef __cplusplus.-#endif[^\n]*', ''):gsub('#[^\n]*', '')
ffi.cdef(header)
local ropeway = ffi.load(prefix .. '/lib/libropeway.so')

local url, text = arg[1] or 'ws://127.0.0.1:9000/', arg[2] or 'hello'
local client, event = ffi.new('ropeway_client *[1]'), ffi.new('const ropeway_event *[1]')
if ropeway.ropeway_client_open(url, nil, client) ~= constant.ROPEWAY_OK then
    io.stderr:write(ffi.string(ropeway.ropeway_last_error()), '\n')
    os.exit(1)
end
client = ffi.gc(client[0], ropeway.ropeway_client_free)
ropeway.ropeway_client_send_text(client, text, #text)
if ropeway.ropeway_client_receive(client, 5000, event) == constant.ROPEWAY_OK
    and event[0].type == constant.ROPEWAY_EVENT_MESSAGE then
    print(ffi.string(event[0].data, event[0].length))
end
if ropeway.ropeway_client_close(client, 1000, 'bye', event) == constant.ROPEWAY_OK then
    print('closed with ' .. event[0].close_code)
end
assert(event[0].size == ffi.sizeof('ropeway_event'), 'header and library are of two releases')

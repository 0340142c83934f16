-- Shared by all scripts, put in front of each that needs it: lists that stand in Redis as JSON.

-- Gives a list; what is none, because somebody wrote it by hand, is empty.
local function list_in(text)
  local is_json, list = pcall(cjson.decode, text or '')
  return is_json and type(list) == 'table' and list or {}
end

// btree_gin's operator classes keep text in the database's collation, bigint by value and inet as it is. A long text
// may be compressed. Ours keep prefixes of text in the same way, and buckets as integers.
#include "engine/gin_entries.hpp"

namespace audit::pg {
namespace {

int compare_texts(std::string_view key, const varlena* entry) {
  varlena* unpacked = pg_detoast_datum_packed(const_cast<varlena*>(entry));
  const int order = varstr_cmp(key.data(), static_cast<int>(key.size()), VARDATA_ANY(unpacked),
                               static_cast<int>(VARSIZE_ANY_EXHDR(unpacked)), DEFAULT_COLLATION_OID);
  if (unpacked != entry) pfree(unpacked);
  return order;
}

int compare_addresses(const inet* key, const varlena* entry) {
  return DatumGetInt32(DirectFunctionCall2(network_cmp, PointerGetDatum(key), PointerGetDatum(entry)));
}

bool has_bytes(const varlena* value, const char* bytes, std::size_t size) {
  return VARSIZE_ANY_EXHDR(value) == size && memcmp(VARDATA_ANY(value), bytes, size) == 0;
}

}  // namespace

int compare(const GinKey& key, const IndexTupleData* entry) {
  if (const int column = column_of(entry); column != key.column) return key.column < column ? -1 : 1;
  if (is_null(entry)) return -1;
  if (key.kind == ColumnKind::text) return compare_texts(key.text, varlena_of(entry));
  if (key.kind == ColumnKind::address) return compare_addresses(key.address, varlena_of(entry));
  const std::int64_t number = number_of(entry, key.kind);
  return key.number == number ? 0 : key.number < number ? -1 : 1;
}

bool has_key(const IndexTupleData* entry, const GinKey& key) {
  if (key.kind == ColumnKind::integer || key.kind == ColumnKind::integer32)
    return number_of(entry, key.kind) == key.number;
  const varlena* value = varlena_of(entry);
  if (key.kind == ColumnKind::address) return has_bytes(value, VARDATA(key.address), VARSIZE(key.address) - VARHDRSZ);
  if (VARATT_IS_COMPRESSED(value)) return compare_texts(key.text, value) == 0;
  return has_bytes(value, key.text.data(), key.text.size());
}

void report_unknown_page(Relation index) {
  ereport(ERROR, errcode(ERRCODE_INDEX_CORRUPTED),
          errmsg("index \"%s\" has a page that the posting engine cannot read", RelationGetRelationName(index)),
          errhint("REINDEX it, or SET audit_ext.engine = sql."));
  pg_unreachable();
}

}  // namespace audit::pg

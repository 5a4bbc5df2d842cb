// btree_gin's operator classes keep text in the database's collation and bigint by value. A long text may be
// compressed.
#include "engine/gin_entries.hpp"

namespace audit::pg {
namespace {

int compare_texts(std::string_view key, const text* entry) {
  text* unpacked = pg_detoast_datum_packed(const_cast<text*>(entry));
  const int order = varstr_cmp(key.data(), static_cast<int>(key.size()), VARDATA_ANY(unpacked),
                               static_cast<int>(VARSIZE_ANY_EXHDR(unpacked)), DEFAULT_COLLATION_OID);
  if (unpacked != entry) pfree(unpacked);
  return order;
}

}  // namespace

int compare(const GinKey& key, const IndexTupleData* entry) {
  if (const int column = column_of(entry); column != key.column) return key.column < column ? -1 : 1;
  if (is_null(entry)) return -1;
  if (key.is_text) return compare_texts(key.text, text_of(entry));
  const std::int64_t number = number_of(entry);
  return key.number == number ? 0 : key.number < number ? -1 : 1;
}

bool has_key(const IndexTupleData* entry, const GinKey& key) {
  if (!key.is_text) return number_of(entry) == key.number;
  const text* value = text_of(entry);
  if (VARATT_IS_COMPRESSED(value)) return compare_texts(key.text, value) == 0;
  return VARSIZE_ANY_EXHDR(value) == key.text.size() &&
         memcmp(VARDATA_ANY(value), key.text.data(), key.text.size()) == 0;
}

void report_unknown_page(Relation index) {
  ereport(ERROR, errcode(ERRCODE_INDEX_CORRUPTED),
          errmsg("index \"%s\" has a page that the posting engine cannot read", RelationGetRelationName(index)),
          errhint("REINDEX it, or SET audit_ext.engine = sql."));
  pg_unreachable();
}

}  // namespace audit::pg

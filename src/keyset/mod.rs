//! keyset

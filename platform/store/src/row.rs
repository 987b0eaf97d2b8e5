//! What sqlx derives, without its macro crates: these compile both drivers, and SQLite itself, a
//! second time for the compiler's own use, a third of the time that the whole build takes.

/// A struct of a query's columns, by name.
macro_rules! row {
    ($visible:vis struct $name:ident { $($field:ident: $column:ty),* $(,)? }) => {
        $visible struct $name {
            $($field: $column),*
        }

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $name
        where
            &'static str: sqlx::ColumnIndex<R>,
            $($column: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,)*
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                Ok(Self { $($field: row.try_get(stringify!($field))?),* })
            }
        }
    };
}
pub(crate) use row;

/// Lets a newtype of `i64` stand in a BIGINT column.
macro_rules! bigint {
    ($name:ident) => {
        impl<D: sqlx::Database> sqlx::Type<D> for $name
        where
            i64: sqlx::Type<D>,
        {
            fn type_info() -> D::TypeInfo {
                <i64 as sqlx::Type<D>>::type_info()
            }

            fn compatible(column: &D::TypeInfo) -> bool {
                <i64 as sqlx::Type<D>>::compatible(column)
            }
        }

        impl<'q, D: sqlx::Database> sqlx::Encode<'q, D> for $name
        where
            i64: sqlx::Encode<'q, D>,
        {
            fn encode_by_ref(
                &self,
                buffer: &mut D::ArgumentBuffer,
            ) -> std::result::Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <i64 as sqlx::Encode<'q, D>>::encode_by_ref(&self.0, buffer)
            }
        }

        impl<'r, D: sqlx::Database> sqlx::Decode<'r, D> for $name
        where
            i64: sqlx::Decode<'r, D>,
        {
            fn decode(value: D::ValueRef<'r>) -> std::result::Result<Self, sqlx::error::BoxDynError> {
                <i64 as sqlx::Decode<'r, D>>::decode(value).map(Self)
            }
        }
    };
}
pub(crate) use bigint;

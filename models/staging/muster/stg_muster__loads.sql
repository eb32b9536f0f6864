with loads as (

    select
        file,
        source_table,
        rows_read,
        rows_landed,
        rows_quarantined,
        first_bad_row,
        reason,
        _loaded_at
    from {{ source('muster', 'loads') }}
    where _loaded_at < {{ as_of() }}

)

select
    file as file_name,
    source_table,
    reason,
    rows_read,
    rows_landed,
    rows_quarantined,
    first_bad_row,
    _loaded_at as loaded_at
from loads

{{ config(severity='warn', tags=['measurement']) }}

-- Nobody who was held out was reached after all, by person or by address. A leak is told and does not stop the report
-- that shows it.
select
    kind,
    payload,
    way,
    reached_by,
    people_reached
from {{ ref('rpt_holdout_leakage') }}
where people_reached > 0

-- The latest fit known at as_of of each parameter of each model version, and of each customer's score.
with scores as (

    select
        model,
        version,
        name,
        customer_id,
        value,
        fitted_at,
        _loaded_at,
        _source_file
    from {{ source('muster', 'scores') }}
    where _loaded_at < {{ as_of() }}

),

fits_ranked as (

    select
        *,
        row_number() over (
            partition by model, version, name, customer_id
            order by fitted_at desc nulls last, _loaded_at desc nulls last, _source_file desc nulls last
        ) as fit_rank
    from scores

)

select
    model,
    version as model_version,
    name as parameter,
    customer_id,
    value as parameter_value,
    fitted_at,
    _loaded_at as loaded_at
from fits_ranked
where fit_rank = 1

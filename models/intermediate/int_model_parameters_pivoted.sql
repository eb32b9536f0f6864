-- The parameters in force, in one row: of each model those of the fit that is newest at as_of. Null where a model was
-- never fitted; what is computed from them is null then, and never invented.
with parameters as (

    select
        model,
        model_version,
        parameter,
        parameter_value,
        fitted_at,
        loaded_at
    from {{ ref('stg_muster__scores') }}
    where customer_id is null

),

fits as (

    select
        model,
        model_version,
        max(fitted_at) as fitted_at,
        max(loaded_at) as loaded_at
    from parameters
    group by model, model_version

),

fits_ranked as (

    select
        *,
        row_number() over (
            partition by model
            order by fitted_at desc nulls last, loaded_at desc nulls last, model_version asc nulls last
        ) as fit_rank
    from fits

),

parameters_in_force as (

    select
        parameters.model || '.' || parameters.parameter as name,
        parameters.model,
        parameters.parameter_value,
        parameters.fitted_at
    from parameters
    inner join fits_ranked
        on
            parameters.model = fits_ranked.model
            and parameters.model_version = fits_ranked.model_version
    where fits_ranked.fit_rank = 1

)

select
    max(case when name = 'bg_nbd.r' then parameter_value end) as bg_nbd_r,
    max(case when name = 'bg_nbd.alpha' then parameter_value end) as bg_nbd_alpha,
    max(case when name = 'bg_nbd.a' then parameter_value end) as bg_nbd_a,
    max(case when name = 'bg_nbd.b' then parameter_value end) as bg_nbd_b,
    max(case when name = 'gamma_gamma.p' then parameter_value end) as gamma_gamma_p,
    max(case when name = 'gamma_gamma.q' then parameter_value end) as gamma_gamma_q,
    max(case when name = 'gamma_gamma.v' then parameter_value end) as gamma_gamma_v,
    max(case when model = 'bg_nbd' then fitted_at end) as bg_nbd_fitted_at,
    max(case when model = 'gamma_gamma' then fitted_at end) as gamma_gamma_fitted_at
from parameters_in_force

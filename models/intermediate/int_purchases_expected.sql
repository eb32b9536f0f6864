-- How many purchases BG/NBD expects in the next 365 days of a customer who is still there, for each history (x, T).
--
-- Such a customer buys with rate lambda ~ gamma(r + x, alpha + T) and leaves after each purchase with probability
-- p ~ beta(a, b + x). With lambda integrated out, t weeks bring g(p) = (1 - (1 + p t / (alpha + T)) ** -(r + x)) / p
-- purchases, and their mean over p is eq. 10 of Fader, Hardie and Lee (2005) given that the customer is there. That
-- paper writes it with Gauss' hypergeometric function, which SQL does not have and which fails where a is 1.
--
-- Here the mean is integrated. g is split into the straight line between its ends, whose mean is exact, and what it
-- bends below that line, whose mean is a sum over nodes: the trapezoid rule over s with logit(p) = centre + spread *
-- sinh(s), which converges so fast that 49 nodes are right to eight digits. Terms are added up as decimals, because a
-- sum of floating-point numbers would depend on the order of the rows.
{%- set horizon_days = 365 %}
{%- set nodes_each_side = 24 %}
{%- set node_distance = 0.15 %}
{%- set small_argument = 0.00001 %}

with purchase_statistics as (

    select distinct
        frequency,
        age_days,
        age_weeks
    from {{ ref('int_purchase_statistics_summed') }}

),

parameters as (

    select
        bg_nbd_r,
        bg_nbd_alpha,
        bg_nbd_a,
        bg_nbd_b
    from {{ ref('int_model_parameters_pivoted') }}
    where bg_nbd_r is not null

),

nodes as (

    select cast(positions.position as double) * {{ node_distance }} as node
    from (
        values
        {% for position in range(-nodes_each_side, nodes_each_side + 1) -%}
        ({{ position }}){% if not loop.last %}, {% endif %}
        {%- endfor %}
    ) as positions (position)

),

histories as (

    select
        purchase_statistics.frequency,
        purchase_statistics.age_days,
        parameters.bg_nbd_r + purchase_statistics.frequency as rate_shape,
        parameters.bg_nbd_a as leaving,
        parameters.bg_nbd_b + purchase_statistics.frequency as staying,
        {{ horizon_days }} / cast(7 as double) / (parameters.bg_nbd_alpha + purchase_statistics.age_weeks) as horizon
    from purchase_statistics
    cross join parameters

),

histories_bounded as (

    select
        *,
        rate_shape * horizon as at_zero,
        1 - exp(-rate_shape * ln(1 + horizon)) as at_one,
        rate_shape * (rate_shape + 1) * horizon * horizon / 2 as greatest_bend,
        ln((leaving + 1) / (staying + 1)) as centre,
        sqrt(1 / (leaving + 1) + 1 / (staying + 1)) as spread,
        (leaving + 1) * ln((leaving + 1) / (leaving + staying + 2))
        + (staying + 1) * ln((staying + 1) / (leaving + staying + 2)) as log_peak
    from histories

),

nodes_placed as (

    select
        histories_bounded.*,
        histories_bounded.centre
        + histories_bounded.spread * (exp(nodes.node) - exp(-nodes.node)) / 2 as logit,
        (exp(nodes.node) + exp(-nodes.node)) / 2 as width
    from histories_bounded
    cross join nodes

),

nodes_weighted as (

    select
        *,
        1 / (1 + exp(-logit)) as probability,
        1 / (1 + exp(logit)) as complement,
        width * exp(-(leaving + 1) * ln(1 + exp(-logit)) - (staying + 1) * ln(1 + exp(logit)) - log_peak) as weight
    from nodes_placed

),

nodes_evaluated as (

    select
        *,
        case
            when (rate_shape + 1) * horizon * probability < {{ small_argument }}
                then at_zero * (1 - (rate_shape + 1) * horizon * probability / 2)
            else (1 - exp(-rate_shape * ln(1 + horizon * probability))) / probability
        end as purchases
    from nodes_weighted

),

histories_integrated as (

    select
        frequency,
        age_days,
        leaving,
        staying,
        at_zero,
        at_one,
        greatest_bend,
        cast(sum(cast(weight as decimal(38, 18))) as double) as total_weight,
        cast(sum(cast(
            weight * (complement * at_zero + probability * at_one - purchases)
            / (probability * complement * greatest_bend) as decimal(38, 18)
        )) as double) as weighted_bend
    from nodes_evaluated
    group by frequency, age_days, leaving, staying, at_zero, at_one, greatest_bend

)

select
    frequency,
    age_days,
    cast(
        (staying * at_zero + leaving * at_one) / (leaving + staying)
        - leaving * staying / ((leaving + staying) * (leaving + staying + 1))
        * greatest_bend * weighted_bend / total_weight
        as decimal(18, 9)
    ) as expected_purchases_365_days
from histories_integrated

{#- Which arm of a campaign a customer gets, by weighted rendezvous hashing (Schindelhauer and Schomaker, 2005): each
    arm draws a number from the digest of campaign, arm and customer, and the smallest -ln(draw) / share wins. Each arm
    gets its share; where a share changes or an arm is added, only those move who must, to the arm that grew. -#}
{%- macro variant_of(campaign, shares, customer) -%}
{%- set scores = {} -%}
{%- for arm, share in shares.items() -%}
{%- set draw = md5_bucket("'" ~ campaign ~ "|variant|" ~ arm ~ "|' || " ~ customer) -%}
{%- do scores.update({arm: '-ln((' ~ draw ~ ' + 0.5) / cast(10000 as double)) / cast(' ~ share ~ ' as double)'}) -%}
{%- endfor -%}
case
            {%- for arm, score in (scores.items() | list)[:-1] %}
            when
                {%- for other, other_score in scores.items() if other != arm %}
                {{ score }} <= {{ other_score }}
                {{- ' and' if not loop.last }}
                {%- endfor %}
                then '{{ arm }}'
            {%- endfor %}
            else '{{ (shares.keys() | list)[-1] }}'
        end
{%- endmacro %}
